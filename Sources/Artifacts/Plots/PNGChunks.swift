// The chunks of a PNG file, looked at before a decoder allocates anything for them: what the file announces must be able to be in it,
// and what does not enter the pixels (text and profiles, which may be compressed a thousandfold) is left out.

/// The part of a PNG file that its pixels are made from.
struct PNGChunks {
    struct Refusal: Error {
        let reason: String
    }

    let width: Int
    let height: Int
    /// A PNG file with the chunks of the pixels only.
    let essential: [UInt8]

    private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    /// A kilobyte of pixels takes at least a byte: deflate's limit.
    private static let mostRatio = 1032
    /// Pixels each way that the decoder can hold.
    private static let sides = 1...32767

    init(_ bytes: [UInt8]) throws(Refusal) {
        guard bytes.count >= 33, bytes.starts(with: Self.signature), bytes[12..<16].elementsEqual("IHDR".utf8) else {
            throw Refusal(reason: "not a PNG file. Convert it to PNG")
        }
        func field(_ at: Int) -> Int { bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
        (width, height) = (field(16), field(20))
        guard Self.sides.contains(width), Self.sides.contains(height) else {
            throw Refusal(reason: "\(width) × \(height) pixels. Make it smaller")
        }
        var essential = Self.signature
        essential.reserveCapacity(bytes.count)
        var (start, dataBytes) = (8, 0)
        while start + 12 <= bytes.count {
            let (length, name) = (field(start), bytes[start + 4..<start + 8])
            // The decoder is to say what is wrong with a chunk that is cut off.
            let end = min(start + 12 + length, bytes.count)
            // A capital: no decoder may pass it over. Of the others only transparency enters the pixels.
            let isCritical = bytes[start + 4] & 0x20 == 0
            if isCritical || name.elementsEqual("tRNS".utf8) { essential += bytes[start..<end] }
            if name.elementsEqual("IDAT".utf8) { dataBytes += length }
            start = end
        }
        let samples = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][bytes[25]] ?? 1
        let rowBytes = (width * Int(bytes[24]) * samples + 7) / 8 + 1
        guard rowBytes * height <= min(dataBytes, bytes.count) * Self.mostRatio else {
            throw Refusal(
                reason:
                    "\(bytes.count) bytes cannot hold \(width) × \(height) pixels: the file is cut off. Save it again")
        }
        self.essential = essential
    }
}
