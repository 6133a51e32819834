// Latent vectors as files of other programs: numpy, CSV, JSON lines, TensorBoard's projector.
internal import Artifacts
package import Datasets
package import ModelCore
internal import Storage

/// What `siamese embed` writes.
package enum EmbeddingFormat: String, CaseIterable, Sendable {
    case npy
    case csv
    case jsonl
    case projector
}

/// Writes files into a folder that is there and returns their paths.
package struct EmbeddingFiles {
    private let folder: String
    private let split: Split
    private let title: String
    private let images: ImageSet
    private let vectors: Embeddings
    private let className: (UInt8) -> String

    /// - Parameter vectors: of `images`, in order
    package init(
        folder: String, model: TrainedModel, dataset: Dataset, split: Split, vectors: Embeddings
    ) {
        self.folder = folder
        self.split = split
        title = "\(model.name) on \(dataset.name.rawValue), \(split.rawValue) set"
        images = dataset[split]
        self.vectors = vectors
        className = dataset.name.className
    }

    package func write(_ format: EmbeddingFormat) throws(RunFailure) -> [String] {
        do {
            switch format {
            case .npy:
                return try write([
                    ("\(split.rawValue)-vectors.npy", vectorsNPY), ("\(split.rawValue)-labels.npy", labelsNPY),
                ])
            case .csv: return try write([("\(split.rawValue)-vectors.csv", csv)])
            case .jsonl: return try write([("\(split.rawValue)-vectors.jsonl", jsonLines)])
            case .projector:
                let sprite = sprite
                return try write([
                    ("tensors.tsv", tensors), ("metadata.tsv", metadata), ("sprite.png", try sprite.image.png()),
                    ("projector_config.pbtxt", projectorConfiguration(side: sprite.side)),
                ])
            }
        } catch {
            throw RunFailure(error)
        }
    }

    private func write(_ files: [(name: String, bytes: [UInt8])]) throws -> [String] {
        for file in files { try replaceFile(at: "\(folder)/\(file.name)", with: file.bytes) }
        return files.map { "\(folder)/\($0.name)" }
    }

    // MARK: numpy

    private var vectorsNPY: [UInt8] {
        var bytes = Self.npyHeader(type: "<f4", shape: "(\(vectors.count), \(vectors.dimensions))")
        bytes.reserveCapacity(bytes.count + vectors.values.count * 4)
        for value in vectors.values {
            withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    private var labelsNPY: [UInt8] { Self.npyHeader(type: "|u1", shape: "(\(vectors.count),)") + vectors.labels }

    /// Version 1.0 of the format (numpy, NEP 1): the header's length makes the data begin at a multiple of 64.
    private static func npyHeader(type: String, shape: String) -> [UInt8] {
        var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
        text += String(repeating: " ", count: 63 - (10 + text.utf8.count) % 64) + "\n"
        let length = UInt16(text.utf8.count)
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(text.utf8)
    }

    // MARK: Text

    /// Swift's shortest decimal that reads back as the same bits; in words that other programs know where it is no number.
    private static func text(_ value: Float) -> String {
        value.isFinite ? "\(value)" : value.isNaN ? "nan" : value > 0 ? "inf" : "-inf"
    }

    private var csv: [UInt8] {
        var text = "index,label,class," + (1...vectors.dimensions).map { "z\($0)" }.joined(separator: ",") + "\n"
        for index in 0..<vectors.count {
            let label = vectors.labels[index]
            text += "\(index),\(label),\(className(label)),"
            text += vectors[index].map(Self.text).joined(separator: ",") + "\n"
        }
        return Array(text.utf8)
    }

    /// A vector of something that is no number has `null` in its place, as JSON has no other word.
    private var jsonLines: [UInt8] {
        var bytes: [UInt8] = []
        for index in 0..<vectors.count {
            let label = vectors.labels[index]
            let numbers = vectors[index].map { $0.isFinite ? "\($0)" : "null" }.joined(separator: ",")
            let head = "{\"index\":\(index),\"label\":\(label),\"class\":\"\(className(label))\",\"vector\":["
            bytes += Array(head.utf8) + Array(numbers.utf8) + Array("]}\n".utf8)
        }
        return bytes
    }

    // MARK: TensorBoard

    /// Without a heading: the projector takes every line for a vector.
    private var tensors: [UInt8] {
        var text = ""
        for index in 0..<vectors.count { text += vectors[index].map(Self.text).joined(separator: "\t") + "\n" }
        return Array(text.utf8)
    }

    /// With one, as there is more than one column.
    private var metadata: [UInt8] {
        var text = "class\tlabel\tindex\n"
        for index in 0..<vectors.count {
            text += "\(className(vectors.labels[index]))\t\(vectors.labels[index])\t\(index)\n"
        }
        return Array(text.utf8)
    }

    /// All images in a square, row by row, and the side of one: smaller than 28 only where the square would be larger than the
    /// projector takes.
    private var sprite: (image: GreyImage, side: Int) {
        var columns = 1
        while columns * columns < images.count { columns += 1 }
        let side = max(min(28, 8192 / columns), 1)
        let width = columns * side
        var pixels = [UInt8](repeating: 0, count: width * width)
        for index in 0..<images.count {
            let own = Array(images.pixels[index * 784..<(index + 1) * 784])
            let image =
                side == 28
                ? own
                : GreyImage(width: 28, height: 28, pixels: own).resized(
                    width: side, height: side
                ).pixels
            let corner = index / columns * side * width + index % columns * side
            for row in 0..<side {
                pixels.replaceSubrange(
                    corner + row * width..<corner + row * width + side, with: image[row * side..<(row + 1) * side])
            }
        }
        return (GreyImage(width: width, height: width, pixels: pixels), side)
    }

    /// The text form of ProjectorConfig (tensorboard/plugins/projector/projector_config.proto).
    private func projectorConfiguration(side: Int) -> [UInt8] {
        Array(
            """
            embeddings {
              tensor_name: "\(title)"
              tensor_path: "tensors.tsv"
              metadata_path: "metadata.tsv"
              sprite {
                image_path: "sprite.png"
                single_image_dim: \(side)
                single_image_dim: \(side)
              }
            }

            """.utf8)
    }
}
