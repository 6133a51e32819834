// What a search found, as text and as JSON.
package import Artifacts
internal import Datasets
internal import Evaluation
internal import ModelCore

extension ImageSearch {
    /// A table per query, with a newline at its end.
    package var table: String {
        let name = dataset.name.className
        let parts = answers.map { answer -> String in
            var heading = answer.name + (answer.label.map { ", class \(name($0))" } ?? "")
            if let vote = answer.vote {
                heading += ": \(vote.hits) of \(answer.hits.count) nearest are \(name(vote.label))"
            }
            let rows = answer.hits.enumerated().map { rank, hit in
                [
                    "  \(rank + 1)", "\(hit.index)", name(hit.label), decimal(Double(hit.distance), places: 6),
                    answer.label.map { $0 == hit.label ? "" : "wrong" } ?? "",
                ]
            }
            let head = ["  rank", "\(request.references.rawValue) image", "class", "distance", ""]
            let lines = columns([head] + rows).map { line in
                var line = line
                while line.last == " " { line.removeLast() }
                return line
            }
            return ([heading] + lines).joined(separator: "\n") + "\n"
        }
        return parts.joined(separator: "\n")
    }

    /// - Parameter picture: path of the picture, if one was written
    package func json(picture: String?) -> JSONValue {
        [
            "model": ["path": .string(model.path), "sha256": .string("\(model.digest)")],
            "dataset": .string(dataset.name.rawValue), "references": .string(request.references.rawValue),
            "distance": .string(request.distance.rawValue), "search_seconds": .number(seconds),
            "answers": .array(
                answers.map { answer in
                    [
                        "query": .string(answer.name), "label": answer.label.map { .integer(Int($0)) } ?? nil,
                        "hits": .array(
                            answer.hits.map {
                                [
                                    "index": .integer($0.index), "label": .integer(Int($0.label)),
                                    "distance": .number(Double($0.distance)),
                                ]
                            }),
                    ]
                }),
            "picture": picture.map(JSONValue.string) ?? nil,
        ]
    }
}
