// The wire of a simulation: every message goes through the real codec, as bytes.

import Coordination

/// A header and its payload, as ZeroMQ would carry them.
struct Frames {
    var header: [UInt8]
    var payload: [[UInt8]] = []

    /// With one bit flipped, anywhere.
    func damaged(_ random: inout SplitMix64) -> Frames {
        var copy = self
        var place = random.below(header.count + payload.reduce(0) { $0 + $1.count })
        let bit = UInt8(1) << UInt8(random.below(8))
        if place < header.count {
            copy.header[place] ^= bit
            return copy
        }
        place -= header.count
        for index in payload.indices {
            if place < payload[index].count {
                copy.payload[index][place] ^= bit
                return copy
            }
            place -= payload[index].count
        }
        return copy
    }

    func decodeFromWorker(_ limits: MessageLimits) throws(DecodingFailure) -> WorkerMessage {
        let sizes = payload.map(\.count)
        return try decode { header throws(DecodingFailure) in
            try WorkerMessage.decode(header: header, payloadSizes: sizes, limits: limits) {
                fingerprint(of: payload[$0])
            }
        }
    }

    func decodeFromCoordinator(_ limits: MessageLimits) throws(DecodingFailure) -> CoordinatorMessage {
        let sizes = payload.map(\.count)
        return try decode { header throws(DecodingFailure) in
            try CoordinatorMessage.decode(header: header, payloadSizes: sizes, limits: limits) {
                fingerprint(of: payload[$0])
            }
        }
    }

    private func decode<Message>(
        _ body: (UnsafeRawBufferPointer) throws(DecodingFailure) -> Message
    ) throws(DecodingFailure) -> Message {
        let result = header.withUnsafeBytes { bytes -> Result<Message, DecodingFailure> in
            do throws(DecodingFailure) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

/// Floats to a payload frame and back.
enum FloatFrame {
    static func bytes(_ floats: some Sequence<Float>) -> [UInt8] {
        floats.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    }

    static func floats(_ bytes: [UInt8]) -> [Float] {
        bytes.withUnsafeBytes { raw in
            (0..<raw.count / 4).map {
                Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
            }
        }
    }
}
