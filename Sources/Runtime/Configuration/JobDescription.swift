// What a coordinator tells a worker about the network: the opaque bytes of the welcome, as one line of ordered JSON.
internal import Artifacts
package import ModelCore

extension NetworkDescription {
    /// The bytes that go with a welcome.
    package var jobDescription: [UInt8] {
        var fields: JSONValue = [
            "network": .string(kind.rawValue), "architecture": .string(architecture.rawValue),
            "latent_dims": .integer(latentDimensions), "margin_bits": .integer(Int(margin.bitPattern)),
        ]
        if kind == .variationalAutoencoder { fields["beta_bits"] = .integer(Int(beta.bitPattern)) }
        if kind.drawsNoise {
            fields["seed"] = .string("\(noise.seed)")
            fields["batch_size"] = .integer(noise.batchSize)
        }
        return fields.compact()
    }

    /// Reads a welcome's bytes; nil if they describe no network this build knows.
    package init?(jobDescription bytes: [UInt8]) {
        guard let fields = try? JSONValue(parsing: bytes),
            let kind = fields["network"]?.string.flatMap(NetworkKind.init(rawValue:)),
            let architecture = fields["architecture"]?.string.flatMap(Architecture.init(rawValue:)),
            let dimensions = fields["latent_dims"]?.integer, (1...4096).contains(dimensions),
            let margin = fields["margin_bits"]?.positiveFloat
        else { return nil }
        var (beta, noise) = (Float(1), NoisePlan(seed: 0, batchSize: 1))
        if kind == .variationalAutoencoder {
            guard let bits = fields["beta_bits"]?.positiveFloat else { return nil }
            beta = bits
        }
        if kind.drawsNoise {
            guard let seed = fields["seed"]?.string.flatMap({ UInt64($0) }),
                let batchSize = fields["batch_size"]?.integer, (1...1 << 20).contains(batchSize)
            else { return nil }
            noise = NoisePlan(seed: seed, batchSize: batchSize)
        }
        self.init(
            kind: kind, architecture: architecture, latentDimensions: dimensions, margin: margin, beta: beta,
            noise: noise)
    }
}

extension JSONValue {
    /// A finite number above zero, from its bits.
    fileprivate var positiveFloat: Float? {
        let value = integer.flatMap { UInt32(exactly: $0) }.map(Float.init(bitPattern:))
        return value.flatMap { $0.isFinite && $0 > 0 ? $0 : nil }
    }
}
