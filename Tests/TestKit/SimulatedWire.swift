// The wire of a simulation: every message goes through the real codec, as bytes.

import Coordination

/// A header and its payload, as ZeroMQ would carry them.
struct Frames {
    let header: [UInt8]
    var payload: [[UInt8]] = []

    func decodeFromWorker(_ limits: MessageLimits) throws(DecodingFailure) -> WorkerMessage {
        let sizes = payload.map(\.count)
        return try decode { header throws(DecodingFailure) in
            try WorkerMessage.decode(header: header, payloadSizes: sizes, limits: limits)
        }
    }

    func decodeFromCoordinator(_ limits: MessageLimits) throws(DecodingFailure) -> CoordinatorMessage {
        let sizes = payload.map(\.count)
        return try decode { header throws(DecodingFailure) in
            try CoordinatorMessage.decode(header: header, payloadSizes: sizes, limits: limits)
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
