// Small datasets that tests make for themselves, as IDX files with and without gzip, and a generator that is seeded.
import CZlib
import Datasets
import Foundation
import Storage

/// SplitMix64 (Steele, Lea, Flood 2014): noise for tests, not the generator under test.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "siamese-datasets-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}

func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
}

func imageFile(magic: UInt32 = 0x803, count: UInt32, rows: UInt32 = 28, columns: UInt32 = 28, pixels: [UInt8])
    -> [UInt8]
{
    [magic, count, rows, columns].flatMap(bigEndian) + pixels
}

func labelFile(magic: UInt32 = 0x801, count: UInt32, labels: [UInt8]) -> [UInt8] {
    [magic, count].flatMap(bigEndian) + labels
}

/// One gzip member.
func gzipped(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    deflateInit2_(
        &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size))
    defer { deflateEnd(&stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
    return input.withUnsafeMutableBufferPointer { source in
        output.withUnsafeMutableBufferPointer { destination in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            stream.next_out = destination.baseAddress
            stream.avail_out = UInt32(destination.count)
            precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END)
            return Array(destination.prefix(Int(stream.total_out)))
        }
    }
}

/// A dataset of 20 training and 10 test images of noise; another seed makes other bytes.
struct SampleDataset {
    let train: ImageSet
    let test: ImageSet
    let files: FourFiles<[UInt8]>

    init(seed: UInt64) {
        var noise = SeededGenerator(state: seed)
        func images(_ count: Int) -> ImageSet {
            ImageSet(
                pixels: (0..<count * 784).map { _ in UInt8.random(in: 0...255, using: &noise) },
                labels: (0..<count).map { UInt8($0 % 10) })
        }
        train = images(20)
        test = images(10)
        files = FourFiles(
            trainImages: imageFile(count: 20, pixels: train.pixels),
            trainLabels: labelFile(count: 20, labels: train.labels),
            testImages: imageFile(count: 10, pixels: test.pixels), testLabels: labelFile(count: 10, labels: test.labels)
        )
    }

    func write(to folder: String, compressed: Bool, except missing: Set<DatasetFile> = []) throws {
        try createFolder(at: folder)
        for file in DatasetFile.allCases where !missing.contains(file) {
            let bytes = compressed ? gzipped(files[file]) : files[file]
            try replaceFile(at: "\(folder)/\(file.rawValue)\(compressed ? ".gz" : "")", with: bytes)
        }
    }

    func entry(mirrors: [String] = []) -> CatalogueEntry {
        CatalogueEntry(
            name: .fashionMNIST, folder: "fashion-mnist",
            checksums: FourFiles { SHA256.digest(of: files[$0]).description }, mirrors: mirrors)
    }
}
