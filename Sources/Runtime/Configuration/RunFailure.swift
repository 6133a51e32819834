// What ends a command before its work is done, and the exit code it ends with (sysexits.h).
internal import Artifacts
internal import Coordination
internal import Datasets
internal import Messaging
internal import ModelCore
internal import Storage

/// The exit codes of the program.
package enum ExitCode: Int32, Sendable {
    case badData = 65
    case unavailable = 69
    case internalError = 70
    case cannotCreateOutput = 73
    case tryAgainLater = 75
    case notAuthorized = 77
    case badConfiguration = 78
}

/// A failure to tell the user: one sentence that says what to do, and an exit code.
package struct RunFailure: Error, CustomStringConvertible {
    package let code: Int32
    package let description: String
    /// The state of training is in doubt, or not worth keeping: the checkpoints on the disk stay as they are.
    package let leavesCheckpointsAlone: Bool

    package init(_ code: ExitCode, _ description: String, leavesCheckpointsAlone: Bool = false) {
        self.code = code.rawValue
        self.description = description
        self.leavesCheckpointsAlone = leavesCheckpointsAlone
    }

    /// The user's signal; what had to be saved has been saved.
    init(stoppedBy signal: StopSignal, _ description: String) {
        code = signal.exitCode
        self.description = description
        leavesCheckpointsAlone = false
    }

    /// The failure that an error of a lower room means to the user.
    package init(_ error: any Error) {
        switch error {
        case let failure as RunFailure: self = failure
        case let error as DatasetError: self.init(.badData, "\(error)")
        case let error as SamplerError: self.init(.badData, "\(error)")
        case let error as CheckpointError: self.init(.badData, "\(error)")
        case let error as SafetensorsError: self.init(.badData, "\(error)")
        case let error as FileError: self.init(.cannotCreateOutput, "\(error)")
        case let error as KeyError: self.init(.badConfiguration, "\(error)")
        case let error as SelfTestError: self.init(.unavailable, "\(error)")
        case let error as BindError: self.init(.unavailable, "\(error)")
        case let error as ConnectError: self.init(.unavailable, "\(error)")
        case let error as ContextError: self.init(.unavailable, "\(error)")
        case let error as ZeroMQError: self.init(.unavailable, "\(error)")
        case let error as ProcessError: self.init(.unavailable, "\(error)")
        case let error as CanvasError: self.init(.internalError, "\(error)")
        default: self.init(.internalError, "\(error)")
        }
    }
}
