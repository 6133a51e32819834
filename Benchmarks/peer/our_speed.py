"""How many images a second `siamese train` trains, and what CPU time an image takes. Standard library only.

Images a second are run.json's `images_per_second`, all steps from the first. CPU time is that of all processes from
their start to their end, less that of a run of one step: what remains is the steps', good to some per cent.
"""

import statistics

from . import architectures, contestants, program

# So many of the data set's images: what a run does before and after its steps (reading, drawing the latent space of all
# images) costs time in every measurement and is none of it.
TRAIN_IMAGES, TEST_IMAGES = 10_000, 100
START_UPS = 3
LEAST_STEPS = 4
# Trained to learn how fast the machine is, before the first measurement of an architecture.
PROBE_IMAGES = {"seed": 30_000, "wide": 5_000}


def images_per_step(case):
    return case.batch * architectures.IMAGES_PER_EXAMPLE[case.network]


class OurSide:
    """Measures ours; remembers in `store` what a start costs and how many steps a case takes."""

    def __init__(self, siamese, dataset, data, store):
        self.siamese, self.dataset, self.data, self.store = siamese, dataset, data, store

    def train(self, case, contestant, steps):
        """run.json and CPU seconds."""
        examples = steps * case.batch
        return program.train_measured(
            self.siamese, case.network, self.dataset, data=self.data, architecture=case.architecture,
            batch_size=case.batch, workers=contestant.workers, threads=contestant.threads, max_steps=steps,
            epochs=1 + examples // TRAIN_IMAGES, checkpoint_interval=steps)

    def steps(self, case, seconds):
        """As many as two workers train in so many seconds; the same for all of ours, for they share one digest."""
        for contestant in contestants.OURS:
            for record in self.store.select("speed", case, contestant=contestant.name):
                return record["steps"]
        return max(LEAST_STEPS, round(seconds * self.expected_speed(case) / images_per_step(case)))

    def expected_speed(self, case):
        """Two workers' images a second, from the nearest batch measured; else from a short run."""
        same = self.store.select("speed", contestant=contestants.TWO_WORKERS.name, network=case.network,
                                 architecture=case.architecture)
        if same:
            nearest = min(same, key=lambda record: max(record["batch"], case.batch) / min(record["batch"], case.batch))
            return nearest["images_per_second"]
        steps = max(LEAST_STEPS, PROBE_IMAGES[case.architecture] // images_per_step(case))
        return self.train(case, contestants.TWO_WORKERS, steps)[0]["images_per_second"]

    def start_up(self, case, contestant):
        """CPU seconds of a run of one step and the images of that step: measured once for a network and contestant."""
        key = {"network": case.network, "architecture": case.architecture, "contestant": contestant.name}
        known = self.store.select("start-up", **key)
        if not known:
            seconds = statistics.median(self.train(case, contestant, 1)[1] for _ in range(START_UPS))
            known = [self.store.add("start-up", **key, cpu_seconds=seconds, images=images_per_step(case))]
        return known[0]["cpu_seconds"], known[0]["images"]

    def measure(self, case, contestant, seconds):
        """One measurement, as a record."""
        steps = self.steps(case, seconds)
        start_up, first_images = self.start_up(case, contestant)
        run, cpu_seconds = self.train(case, contestant, steps)
        trained = steps * images_per_step(case)
        return {
            "images_per_second": run["images_per_second"], "images": trained, "seconds": run["training_seconds"],
            "cpu_seconds_per_image": (cpu_seconds - start_up) / max(1, trained - first_images),
            "steps": steps, "digest": run["model_sha256"],
        }
