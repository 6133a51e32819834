// Which exit code an error of a lower room means (sysexits.h).
import Artifacts
import Datasets
import Messaging
import Runtime
import Storage
import Testing

@Suite struct RunFailureTests {
    private struct Unheard: Error {}

    @Test func everyKindOfErrorHasItsCode() throws {
        let expected: [(any Error, Int32)] = [
            (SamplerError.noImages, 65),
            (CheckpointError.corrupt(file: "f", reason: "r"), 65),
            (DatasetError.unreadable(FileError(path: "p", operation: .lock, code: 2)), 65),
            (FileError(path: "p", operation: .lock, code: 2), 73),
            (RunFailure(.tryAgainLater, "later"), 75),
            (RunFailure(.badConfiguration, "bad"), 78),
            (RunFailure(.notAuthorized, "key"), 77),
            (Unheard(), 70),
        ]
        for (error, code) in expected { #expect(RunFailure(error).code == code, "\(error)") }
    }

    @Test func aPortInUseIsAnUnavailableService() throws {
        let context = try Context()
        let (first, second) = (try RouterSocket(context: context), try RouterSocket(context: context))
        let endpoint = try first.bind(to: .inproc(name: "twice"))
        do {
            try second.bind(to: endpoint)
            Issue.record("bound twice")
        } catch {
            #expect(RunFailure(error).code == 69)
            #expect(RunFailure(error).description.contains("twice"))
        }
    }

    @Test func aFailureKeepsItsWords() {
        #expect(RunFailure(RunFailure(.badData, "what to do")).description == "what to do")
    }
}
