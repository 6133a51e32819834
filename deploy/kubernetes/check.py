"""Checks the manifests beside this file without a cluster: every field against the published schemas, strictly, and what the API
server checks beyond them and we rely on. Prints what is wrong, one line each; nothing when all is well.

    check.py [FOLDER]        (default: the one that this file lies in)
"""

import json
import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

# The oldest release that podFailurePolicy is final in, and the newest that the validator knows.
VERSIONS = ("1.31", kubernetes_validate.latest_version())
FINAL_EXIT_CODES = {64, 65, 77, 78}


def problems(folder):
    """Yields a sentence for everything that is wrong."""
    for path in sorted(folder.glob("*/*.yaml")):
        documents = [document for document in yaml.safe_load_all(path.read_text()) if document]
        if path.name == "kustomization.yaml":
            yield from kustomization_problems(path, documents)
            continue
        for document in documents:
            where = f"{path.relative_to(folder)}: {document.get('kind')}"
            checker = jobset_problems if document.get("kind") == "JobSet" else resource_problems
            for problem in checker(document, folder):
                yield f"{where}: {problem}"


def kustomization_problems(path, documents):
    """What lies beside a kustomization is part of it."""
    named = {name for document in documents for name in document["resources"]}
    there = {other.name for other in path.parent.glob("*.yaml")} - {path.name}
    there |= {name for name in named if (path.parent / name / "kustomization.yaml").is_file()}
    for name in sorted(named ^ there):
        yield f"{path}: {name} is {'not there' if name in named else 'not among the resources'}"


def resource_problems(resource, _folder):
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(resource, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{'.'.join(map(str, error.path))}: {error.message}"
    if resource.get("kind") == "Job":
        yield from job_problems(resource["spec"])
    template = resource.get("spec", {}).get("template")
    if template:
        yield from pod_problems(template["spec"])


def jobset_problems(jobset, folder):
    schema = json.loads((folder / "jobset" / "schema.json").read_text())
    for error in jsonschema.Draft7Validator(schema).iter_errors(jobset):
        yield f"{'.'.join(map(str, error.path))}: {error.message}"
    yield from failure_problems(jobset["spec"])
    for replicated in jobset["spec"].get("replicatedJobs", []):
        template = replicated.get("template", {})
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": template.get("spec", {})}
        for problem in resource_problems(job, folder):
            yield f"{replicated.get('name')}: {problem}"


def failure_problems(spec):
    """One worker's end must not be everybody's: only the coordinator's Job ends the JobSet by itself, or all workers together."""
    deciding = spec.get("successPolicy", {}).get("targetReplicatedJobs", [])
    for rule in spec.get("failurePolicy", {}).get("rules", []):
        targets = rule.get("targetReplicatedJobs", [])
        if not targets:
            yield f"the rule {rule.get('name')} has no targetReplicatedJobs, and so is about all of them"
        elif rule.get("onJobFailureReasons") != ["FailedIndexes"] and targets != deciding:
            yield f"the rule {rule.get('name')} is about {targets}, not {deciding}"
    for replicated in spec.get("replicatedJobs", []):
        job = replicated.get("template", {}).get("spec", {})
        actions = {rule["action"] for rule in job.get("podFailurePolicy", {}).get("rules", [])}
        if replicated.get("name") not in deciding and "FailJob" in actions:
            yield f"{replicated.get('name')}: one Pod that is refused ends all of them: FailIndex, not FailJob"


def job_problems(spec):
    """The API server refuses a policy with another restartPolicy, and FailIndex without a limit for each index; the schemas do not
    say so."""
    rules = spec.get("podFailurePolicy", {}).get("rules", [])
    if rules and spec["template"]["spec"].get("restartPolicy") != "Never":
        yield "podFailurePolicy needs restartPolicy Never"
    by_index = any(rule["action"] == "FailIndex" for rule in rules)
    if by_index and ("backoffLimitPerIndex" not in spec or spec.get("completionMode") != "Indexed"):
        yield "FailIndex needs backoffLimitPerIndex and completionMode Indexed"
    ending = [rule for rule in rules if rule["action"] in ("FailJob", "FailIndex")]
    final = {code for rule in ending for code in rule["onExitCodes"]["values"]}
    if final != FINAL_EXIT_CODES:
        yield f"the exit codes that end the Job are {sorted(final)}, not {sorted(FINAL_EXIT_CODES)}"


def pod_problems(pod):
    """What README.md promises of every Pod."""
    if not pod.get("securityContext", {}).get("runAsNonRoot"):
        yield "runs as root"
    volumes = {volume["name"] for volume in pod.get("volumes", [])}
    for container in pod.get("initContainers", []) + pod["containers"]:
        box = container.get("securityContext", {})
        if not box.get("readOnlyRootFilesystem") or box.get("allowPrivilegeEscalation") is not False:
            yield f"{container['name']}: can write to its root or gain privileges"
        if "memory" not in container.get("resources", {}).get("limits", {}):
            yield f"{container['name']}: no limit of memory"
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"{container['name']}: no volume is called {mount['name']}"


if __name__ == "__main__":
    place = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    found = list(problems(place))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)
