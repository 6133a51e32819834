// The report as JSON: the same facts as the table, unrounded, in base units.
package import Artifacts
internal import ModelCore

extension BenchmarkReport {
    package var json: JSONValue {
        [
            "versions": [
                "siamese": .string(programVersion), "numerics": .integer(Int(numericsVersion)),
            ],
            "machine": machine,
            "rounds": .integer(rounds),
            "seconds": .number(seconds),
            "peak": list { if case .peak(let cores) = $0 { [.init("cores", .integer(cores))] } else { nil } },
            "kernels": list {
                guard case .kernel(let name, let architecture) = $0 else { return nil }
                return [
                    .init("name", .string(name)),
                    .init("architecture", architecture.map { .string($0.rawValue) } ?? nil),
                ]
            },
            "networks": list {
                switch $0 {
                case .embedding(let architecture): [.init("pass", "embedding")] + names(nil, architecture)
                case .training(let network, let architecture):
                    [.init("pass", "training")] + names(network, architecture)
                default: nil
                }
            },
            "steps": list {
                guard case .step(let network, let architecture, let batchSize) = $0 else { return nil }
                return names(network, architecture) + [.init("batch_size", .integer(batchSize))]
            },
            "threads": list {
                guard case .threads(let network, let architecture, let threads) = $0 else { return nil }
                return names(network, architecture) + [
                    .init("batch_size", .integer(Subject.threadsBatchSize)), .init("threads", .integer(threads)),
                ]
            },
            "left_out": .array(leftOut.map { .string($0.description) }),
            "warnings": .array(warnings.map(JSONValue.string)),
        ]
    }

    /// An object per measurement that `members` has something to say of.
    private func list(_ members: (Subject) -> [JSONValue.Member]?) -> JSONValue {
        .array(
            measurements.compactMap { measurement in
                members(measurement.subject).map { .object($0 + figures(measurement)) }
            })
    }

    private func names(_ network: NetworkKind?, _ architecture: Architecture) -> [JSONValue.Member] {
        [
            .init("network", network.map { .string($0.rawValue) } ?? nil),
            .init("architecture", .string(architecture.rawValue)),
        ]
    }

    /// The figures that mean something for the measurement; `seconds` are of one run.
    private func figures(_ measurement: Measurement) -> [JSONValue.Member] {
        let time = measurement.time
        var figures: [JSONValue.Member] = [
            .init("seconds", .number(time.median)), .init("best_seconds", .number(time.best)),
            .init("spread", .number(time.spread)),
        ]
        func add(_ key: String, _ value: Double?) {
            if let value, value > 0 { figures.append(.init(key, .number(value))) }
        }
        add("images_per_second", measurement.imagesPerSecond)
        add("flops", measurement.operationsPerSecond)
        add("bytes_per_second", measurement.bytesPerSecond)
        add("fraction_of_peak", fractionOfPeak(measurement))
        add("speed_up", speedUp(measurement))
        return figures
    }
}
