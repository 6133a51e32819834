#!/usr/bin/env python3
"""Writes the JSON files that Tests/EvaluationTests reads: vectors, and what other programs say of them.

Needs: pip install numpy scikit-learn torch pytorch-metric-learning. Run in this folder; the bytes do not change from run to run.
Vectors are multiples of 2^-10 (exact in single precision); those of "grid" are small integers, so that many distances tie.
"""
import json

import numpy as np
import torch
from pytorch_metric_learning.distances import CosineSimilarity, LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (adjusted_mutual_info_score, confusion_matrix, normalized_mutual_info_score,
                             precision_recall_fscore_support, roc_auc_score, roc_curve)
from sklearn.neighbors import KNeighborsClassifier


def vectors(random, labels, dimensions, spread):
    """Heaps around a centre per class, the same in every call."""
    centres = np.random.default_rng(dimensions).standard_normal((10, dimensions))
    values = centres[labels] + spread * random.standard_normal((len(labels), dimensions))
    return np.round(values * 1024) / 1024


def retrieval(queries, query_labels, references, reference_labels, same, distance):
    """pytorch-metric-learning's figures. Its k-NN is exact, and the data of this file has no ties."""
    metrics = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
    knn = CustomKNN(LpDistance(normalize_embeddings=False) if distance == "euclidean" else CosineSimilarity())
    calculator = AccuracyCalculator(include=metrics, k="max_bin_count", knn_func=knn, device=torch.device("cpu"))
    found = calculator.get_accuracy(
        torch.tensor(queries), torch.tensor(query_labels), torch.tensor(references), torch.tensor(reference_labels),
        ref_includes_query=same)
    return {name: found[name] for name in metrics}


def pairs(queries, query_labels, references, reference_labels, same, distance):
    """Labels and scores of all pairs."""
    if distance == "cosine":
        unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (queries, references)]
        distances = 1 - unit[0] @ unit[1].T
    else:
        distances = np.sqrt(((queries[:, None, :] - references[None, :, :]) ** 2).sum(-1))
    is_same = query_labels[:, None] == reference_labels[None, :]
    kept = ~np.eye(len(queries), dtype=bool) if same else np.ones_like(is_same)
    return is_same[kept].astype(int), -distances[kept]


def equal_error_rate(truth, scores):
    """Where the curve, with straight lines between its points, meets the falling diagonal."""
    false, true, _ = roc_curve(truth, scores, drop_intermediate=False)
    sums = false + true - 1
    at = int(np.argmax(sums >= 0))
    share = -sums[at - 1] / (sums[at] - sums[at - 1])
    return float(false[at - 1] + share * (false[at] - false[at - 1]))


def neighbours_case(random, name, query_labels, reference_labels, dimensions, spread, same=False, distance="euclidean"):
    references = vectors(random, reference_labels, dimensions, spread)
    queries = references if same else vectors(random, query_labels, dimensions, spread)
    case = {
        "name": name, "distance": distance, "same": same, "dimensions": dimensions,
        "queries": queries.ravel().tolist(), "query_labels": query_labels.tolist(),
        "references": references.ravel().tolist(), "reference_labels": reference_labels.tolist(),
        "retrieval": retrieval(queries, query_labels, references, reference_labels, same, distance),
    }
    truth, scores = pairs(queries, query_labels, references, reference_labels, same, distance)
    case["auc"] = float(roc_auc_score(truth, scores))
    case["equal_error_rate"] = equal_error_rate(truth, scores)
    if not same and distance == "euclidean":
        case["votes"] = {}
        for k in (1, 2, 5, 9):
            model = KNeighborsClassifier(n_neighbors=k, algorithm="brute").fit(references, reference_labels)
            case["votes"][str(k)] = model.predict(queries).tolist()
        predictions = np.array(case["votes"]["5"])
        classes = sorted(set(query_labels) | set(predictions))
        case["confusion"] = confusion_matrix(query_labels, predictions, labels=classes).tolist()
        precision, recall, f1, _ = precision_recall_fscore_support(
            query_labels, predictions, labels=classes, zero_division=np.nan)
        case["per_class"] = [
            {"class": int(c), "precision": None if np.isnan(p) else float(p), "recall": None if np.isnan(r) else float(r)}
            for c, p, r in zip(classes, precision, recall)]
    return case


def grid_case(random):
    """Ties everywhere: only what ties do not change is taken from scikit-learn."""
    query_labels, reference_labels = random.integers(0, 4, 50), random.integers(0, 4, 80)
    queries = random.integers(-3, 4, (50, 2)).astype(float)
    references = random.integers(-3, 4, (80, 2)).astype(float)
    truth, scores = pairs(queries, query_labels, references, reference_labels, False, "euclidean")
    return {
        "dimensions": 2, "queries": queries.ravel().tolist(), "query_labels": query_labels.tolist(),
        "references": references.ravel().tolist(), "reference_labels": reference_labels.tolist(),
        "auc": float(roc_auc_score(truth, scores)), "equal_error_rate": equal_error_rate(truth, scores),
    }


def agreements(random):
    noisy = random.integers(0, 5, 200)
    changed = np.where(random.random(200) < 0.2, random.integers(0, 5, 200), noisy)
    cases = [
        (noisy, changed), (noisy, random.integers(0, 7, 200)), (noisy, (noisy + 3) % 5), (noisy, np.zeros(200, int)),
        (np.zeros(9, int), np.zeros(9, int)), (np.arange(9), np.arange(9)), (np.arange(12), np.arange(12) // 3),
        (np.array([0, 0, 1]), np.array([1, 0, 1])),
    ]
    return [{
        "classes": a.tolist(), "clusters": b.tolist(), "nmi": float(normalized_mutual_info_score(a, b)),
        "ami": float(adjusted_mutual_info_score(a, b)),
    } for a, b in cases]


def probe_case(random):
    labels = random.integers(0, 4, 150)
    labels[labels == 2] = 7
    training = vectors(random, labels, 3, 1.2)
    standard = (training - training.mean(0)) / training.std(0)
    model = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(standard, labels)
    other = np.round(random.standard_normal((60, 3)) * 2048) / 1024
    probabilities = model.predict_proba(standard)
    places = np.searchsorted(model.classes_, labels)
    objective = -np.log(probabilities[np.arange(len(labels)), places]).mean() + (model.coef_ ** 2).sum() / 2 / len(labels)
    return {
        "dimensions": 3, "training": training.ravel().tolist(), "labels": labels.tolist(), "other": other.ravel().tolist(),
        "predictions": model.predict((other - training.mean(0)) / training.std(0)).tolist(), "objective": float(objective),
    }


random = np.random.default_rng(20_240_229)
few = random.integers(0, 4, 40)
many = random.integers(0, 4, 90)
# Class 5 has a single reference; queries of class 9 have none.
lonely_references = np.concatenate([many, [5]])
lonely_queries = np.concatenate([few, [5, 9, 9]])
neighbours = [
    neighbours_case(random, "plain", few, many, 3, 0.8),
    neighbours_case(random, "lonely", lonely_queries, lonely_references, 2, 0.7),
    neighbours_case(random, "same set, a class of one", np.concatenate([few, [5]]), np.concatenate([few, [5]]), 2, 0.7,
                    same=True),
    neighbours_case(random, "cosine", few, many, 5, 1.0, distance="cosine"),
]
files = {
    "neighbours.json": {"cases": neighbours, "grid": grid_case(random)},
    "partitions.json": {"cases": agreements(random)},
    "probe.json": probe_case(random),
}
for file, content in files.items():
    with open(file, "w", encoding="utf-8") as out:
        json.dump(content, out, separators=(",", ":"))
        out.write("\n")
