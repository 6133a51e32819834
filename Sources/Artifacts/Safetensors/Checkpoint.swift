// A training checkpoint: weights, Adam's moments and what the run is, as one safetensors file with its own checksum.
// Encoding and decoding only; the Runtime stores the bytes atomically and compares the configuration on resume.

/// Everything that a run needs to go on as if it had never stopped. The sampler and all random streams are functions
/// of the step, so no generator state is here.
package struct Checkpoint: Equatable, Sendable {
    /// Name and shape of one slice of the flat parameter buffer.
    package struct Slice: Equatable, Sendable {
        package let name: String
        package let shape: [Int]

        package init(name: String, shape: [Int]) {
            self.name = name
            self.shape = shape
        }

        var count: Int { shape.reduce(1, *) }
    }

    /// The table of the parameter buffer, in buffer order.
    package let layout: [Slice]
    /// Flat buffers of equal length: the slices of `layout`, one after the other.
    package let parameters: [Float]
    package let firstMoment: [Float]
    package let secondMoment: [Float]
    /// Optimizer steps done.
    package let step: Int
    /// The resolved configuration, as JSON text; opaque here.
    package let configuration: String
    package let datasetDigest: String
    package let numericsVersion: String
    /// What else a resumed run needs, by names of the caller's choosing: none may begin like those of the buffers.
    package let attachments: [Safetensors.Tensor]

    package init(
        layout: [Slice], parameters: [Float], firstMoment: [Float], secondMoment: [Float], step: Int,
        configuration: String, datasetDigest: String, numericsVersion: String, attachments: [Safetensors.Tensor] = []
    ) {
        let count = layout.reduce(0) { $0 + $1.count }
        precondition([parameters, firstMoment, secondMoment].allSatisfy { $0.count == count }, "layout has \(count)")
        self.layout = layout
        self.parameters = parameters
        self.firstMoment = firstMoment
        self.secondMoment = secondMoment
        self.step = step
        self.configuration = configuration
        self.datasetDigest = datasetDigest
        self.numericsVersion = numericsVersion
        self.attachments = attachments
    }

    /// A lower-case hexadecimal digest of bytes: SHA-256 in the program.
    package typealias Digest = (UnsafeRawBufferPointer) -> String
}

/// A file that is no usable checkpoint.
package enum CheckpointError: Error, Equatable, CustomStringConvertible {
    /// Not a safetensors file at all.
    case unreadable(SafetensorsError)
    case corrupt(file: String, reason: String)
    /// Whole, by its checksum, and in a format of another version of this program.
    case otherFormat(file: String, format: String)

    package var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .corrupt(let file, let reason): "\(file): \(reason)"
        case .otherFormat(let file, let format):
            "\(file) is in the format \"\(format)\", and this version of siamese knows \"\(Key.formatVersion)\". Go on "
                + "with the version that wrote it, or start anew in another --output"
        }
    }
}

// MARK: - Bytes

/// The three buffers by the prefix of their tensors' names, in file order.
private enum Buffer: String, CaseIterable {
    case parameters = "parameter."
    case firstMoment = "adam.first_moment."
    case secondMoment = "adam.second_moment."
}

private enum Key {
    static let format = "format"
    static let formatVersion = "siamese-checkpoint-1"
    static let step = "step"
    static let configuration = "configuration"
    static let datasetDigest = "dataset_digest"
    static let numericsVersion = "numerics_version"
    static let checksum = "checksum"
}

extension Checkpoint {
    /// The file's bytes. The checksum is the digest of the same file without its `checksum` entry, so that it covers
    /// the tensors, their names and shapes, and the metadata.
    package func encoded(digest: Digest) -> [UInt8] {
        var content = Safetensors(
            tensors: tensors(.parameters, parameters) + tensors(.firstMoment, firstMoment)
                + tensors(.secondMoment, secondMoment) + attachments,
            metadata: [
                Key.format: Key.formatVersion, Key.step: String(step), Key.configuration: configuration,
                Key.datasetDigest: datasetDigest, Key.numericsVersion: numericsVersion,
            ])
        content.metadata[Key.checksum] = content.encoded().withUnsafeBytes(digest)
        return content.encoded()
    }

    private func tensors(_ buffer: Buffer, _ values: [Float]) -> [Safetensors.Tensor] {
        var start = 0
        return values.withUnsafeBufferPointer { values in
            layout.map { slice in
                defer { start += slice.count }
                let floats = UnsafeBufferPointer(rebasing: values[start..<start + slice.count])
                return Safetensors.Tensor(name: buffer.rawValue + slice.name, shape: slice.shape, floats: floats)
            }
        }
    }

    /// Decodes and verifies a checkpoint. `file` is the name for messages.
    package init(decoding bytes: [UInt8], file: String, digest: Digest) throws(CheckpointError) {
        var content: Safetensors
        do { content = try Safetensors(decoding: bytes, file: file) } catch { throw .unreadable(error) }
        try Self.verify(&content, file: file, digest: digest)

        func text(_ key: String) throws(CheckpointError) -> String {
            guard let value = content.metadata[key] else {
                throw .corrupt(file: file, reason: "the metadata lacks \"\(key)\"")
            }
            return value
        }
        guard let step = Int(try text(Key.step)), step >= 0 else {
            throw .corrupt(file: file, reason: "\"step\" is not a count")
        }
        let sliceCount = content.tensors.prefix { $0.name.hasPrefix(Buffer.parameters.rawValue) }.count
        guard content.tensors.count >= sliceCount * Buffer.allCases.count else {
            throw .corrupt(file: file, reason: "\(content.tensors.count) tensors are not three buffers")
        }
        let layout = content.tensors.prefix(sliceCount).map {
            Slice(name: String($0.name.dropFirst(Buffer.parameters.rawValue.count)), shape: $0.shape)
        }
        func floats(_ buffer: Buffer, _ index: Int) throws(CheckpointError) -> [Float] {
            var values: [Float] = []
            for (slice, tensor) in zip(layout, content.tensors[index * sliceCount..<(index + 1) * sliceCount]) {
                guard tensor.name == buffer.rawValue + slice.name, tensor.shape == slice.shape,
                    let elements = tensor.elements(as: Float.self)
                else { throw .corrupt(file: file, reason: "tensor \"\(tensor.name)\" where \(buffer) were expected") }
                values += elements
            }
            return values
        }
        self.init(
            layout: layout, parameters: try floats(.parameters, 0), firstMoment: try floats(.firstMoment, 1),
            secondMoment: try floats(.secondMoment, 2), step: step, configuration: try text(Key.configuration),
            datasetDigest: try text(Key.datasetDigest), numericsVersion: try text(Key.numericsVersion),
            attachments: Array(content.tensors.dropFirst(sliceCount * Buffer.allCases.count)))
    }

    /// Checks the checksum and the format, and takes the checksum out of `content`.
    ///
    /// The checksum comes first, and every later format has to keep its rule: then a newer file can be told from a damaged one.
    private static func verify(_ content: inout Safetensors, file: String, digest: Digest) throws(CheckpointError) {
        guard let format = content.metadata[Key.format], let checksum = content.metadata[Key.checksum] else {
            throw .corrupt(file: file, reason: "not a checkpoint of this program (is it a model file?)")
        }
        content.metadata[Key.checksum] = nil
        let found = content.encoded().withUnsafeBytes(digest)
        guard found == checksum else {
            throw .corrupt(file: file, reason: "checksum \(found) instead of the \(checksum) it carries: damaged")
        }
        guard format == Key.formatVersion else { throw .otherFormat(file: file, format: format) }
    }
}
