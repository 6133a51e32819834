// What a coordinator tells a worker about the network: the opaque bytes of the welcome, as one line of ordered JSON.
internal import Artifacts
package import ModelCore

extension NetworkDescription {
    /// The bytes that go with a welcome.
    package var jobDescription: [UInt8] {
        let fields: JSONValue = [
            "network": .string(kind.rawValue), "architecture": .string(architecture.rawValue),
            "latent_dims": .integer(latentDimensions), "margin_bits": .integer(Int(margin.bitPattern)),
        ]
        return fields.compact()
    }

    /// Reads a welcome's bytes; nil if they describe no network this build knows.
    package init?(jobDescription bytes: [UInt8]) {
        guard let fields = try? JSONValue(parsing: bytes),
            let kind = fields["network"]?.string.flatMap(NetworkKind.init(rawValue:)),
            let architecture = fields["architecture"]?.string.flatMap(Architecture.init(rawValue:)),
            let dimensions = fields["latent_dims"]?.integer, (1...4096).contains(dimensions),
            let margin = fields["margin_bits"]?.integer.flatMap({ UInt32(exactly: $0) }).map(Float.init(bitPattern:)),
            margin.isFinite, margin > 0
        else { return nil }
        self.init(
            kind: kind, architecture: architecture, latentDimensions: dimensions, margin: margin)
    }
}
