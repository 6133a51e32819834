// Checkpoints: what goes in comes out, and no damage goes unseen.

import Artifacts
import Testing

@Suite struct CheckpointTests {
    private static let checkpoint = Checkpoint(
        layout: [.init(name: "encoder.0.weight", shape: [2, 2]), .init(name: "scaling_factor", shape: [])],
        parameters: [1, -2, .leastNonzeroMagnitude, 4, 5], firstMoment: [0, 0.1, 0.2, 0.3, 0.4],
        secondMoment: [9, 8, 7, 6, 5], step: 1234, configuration: #"{"network":"triplet","seed":0}"#,
        datasetDigest: "c0ffee", numericsVersion: "1")

    private func decode(_ bytes: [UInt8]) throws(CheckpointError) -> Checkpoint {
        try Checkpoint(decoding: bytes, file: "checkpoint.safetensors", digest: testDigest)
    }

    @Test func roundTrips() throws {
        let bytes = Self.checkpoint.encoded(digest: testDigest)
        #expect(try decode(bytes) == Self.checkpoint)
        #expect(bytes == Self.checkpoint.encoded(digest: testDigest))
    }

    @Test func namesItsTensors() throws {
        let file = try Safetensors(decoding: Self.checkpoint.encoded(digest: testDigest), file: "x")
        #expect(
            file.tensors.map(\.name) == [
                "parameter.encoder.0.weight", "parameter.scaling_factor", "adam.first_moment.encoder.0.weight",
                "adam.first_moment.scaling_factor", "adam.second_moment.encoder.0.weight",
                "adam.second_moment.scaling_factor",
            ])
        #expect(file["adam.second_moment.scaling_factor"]?.elements() == [5] as [Float])
        #expect(file.metadata["step"] == "1234")
    }

    @Test func seesEveryFlippedBit() {
        let bytes = Self.checkpoint.encoded(digest: testDigest)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 1 << UInt8(index % 8)
            // The one harmless place: another kind of white space in the padding of the header.
            guard let decoded = try? decode(damaged) else { continue }
            #expect(decoded == Self.checkpoint && bytes[index] == UInt8(ascii: " "), "byte \(index)")
        }
    }

    @Test func saysWhatIsWrong() throws {
        func corruption(_ change: (inout Safetensors) -> Void) throws -> CheckpointError? {
            var file = try Safetensors(decoding: Self.checkpoint.encoded(digest: testDigest), file: "x")
            change(&file)
            if file.metadata["checksum"] != nil {
                file.metadata["checksum"] = nil
                file.metadata["checksum"] = file.encoded().withUnsafeBytes(testDigest)
            }
            return #expect(throws: CheckpointError.self) { try decode(file.encoded()) }
        }
        func corrupt(_ reason: String) -> CheckpointError { .corrupt(file: "checkpoint.safetensors", reason: reason) }

        #expect(
            try corruption { $0.metadata = [:] } == corrupt("not a checkpoint of this program (is it a model file?)"))
        #expect(
            try corruption { $0.metadata["format"] = "siamese-checkpoint-2" }
                == .otherFormat(file: "checkpoint.safetensors", format: "siamese-checkpoint-2"))
        #expect(try corruption { $0.metadata["step"] = "-1" } == corrupt("\"step\" is not a count"))
        #expect(
            try corruption { $0.metadata["dataset_digest"] = nil } == corrupt("the metadata lacks \"dataset_digest\""))
        #expect(try corruption { $0.tensors.removeLast() } == corrupt("5 tensors are not three buffers"))
        #expect(
            try corruption { $0.tensors.swapAt(2, 3) }
                == corrupt("tensor \"adam.first_moment.scaling_factor\" where firstMoment were expected"))
    }

    /// A bit of the format's name may be the damaged one: only a file with a right checksum is of another version.
    @Test func aDamagedFormatIsNoOtherVersion() throws {
        var file = try Safetensors(decoding: Self.checkpoint.encoded(digest: testDigest), file: "x")
        file.metadata["format"] = "siamese-checkpoint-3"
        let error = #expect(throws: CheckpointError.self) { try decode(file.encoded()) }
        guard case .corrupt = error else { throw Unexpected(error: error) }
    }

    @Test func anotherFormatSaysWhatToDo() {
        let text = "\(CheckpointError.otherFormat(file: "f", format: "siamese-checkpoint-2"))"
        #expect(text.contains("siamese-checkpoint-2") && text.contains("siamese-checkpoint-1"))
        #expect(text.contains("the version that wrote it"))
    }

    private struct Unexpected: Error { let error: CheckpointError? }
}
