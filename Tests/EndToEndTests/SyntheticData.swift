// A dataset small enough to train on in a fraction of a second: ten kinds of stripes, shifted and noisy, as IDX files. Made with
// integers only, so that its bytes, which enter the golden digests, are the same everywhere.
import TestKit

enum SyntheticData {
    static let trainingImages = 600
    static let testImages = 200

    struct File: Sendable {
        let name: String
        let bytes: [UInt8]
    }

    static let files: [File] = {
        var random = SplitMix64(seed: 20_240_229)
        return set("train", count: trainingImages, &random) + set("t10k", count: testImages, &random)
    }()

    static func imageHeader(magic: UInt32 = 0x803, count: Int, side: Int = 28) -> [UInt8] {
        bigEndian(magic) + bigEndian(UInt32(count)) + bigEndian(UInt32(side)) + bigEndian(UInt32(side))
    }

    static func labelHeader(magic: UInt32 = 0x801, count: Int) -> [UInt8] {
        bigEndian(magic) + bigEndian(UInt32(count))
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func set(_ name: String, count: Int, _ random: inout SplitMix64) -> [File] {
        let labels = (0..<count).map { _ in UInt8(random.below(10)) }
        let pixels = labels.flatMap { image(of: Int($0), &random) }
        return [
            File(name: "\(name)-images-idx3-ubyte", bytes: imageHeader(count: count) + pixels),
            File(name: "\(name)-labels-idx1-ubyte", bytes: labelHeader(count: count) + labels),
        ]
    }

    /// Stripes whose direction and width tell the class, inside a soft frame.
    private static func image(of label: Int, _ random: inout SplitMix64) -> [UInt8] {
        let (across, down) = [(1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (1, 2), (2, -1), (1, -2), (3, 1), (1, 3)][label]
        let (shiftX, shiftY) = (random.below(5), random.below(5))
        return (0..<784).map { index in
            let (x, y) = (index % 28, index / 28)
            let phase = (across * (x + shiftX) + down * (y + shiftY) + 112) * 3 % 32
            let wave = abs(phase - 16) * 14
            let edge = min(min(x, 27 - x), min(y, 27 - y))
            return UInt8(min(255, (wave + random.below(32)) * min(edge, 4) / 4))
        }
    }
}
