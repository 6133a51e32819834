// How a coordinator tells workers where it is: the address that they can reach, in the log and in a file. How a worker reads it is in
// `CoordinatorPlace.swift`.
package import Messaging
internal import Storage

/// What is told, and where.
package struct Announcement: Sendable, Equatable {
    /// The file that gets the address; nil: none.
    package var file: String?
    /// The host that workers reach the coordinator by; nil: where it listens, or its machine's name if that is everywhere.
    package var host: String?

    package init(file: String? = nil, host: String? = nil) {
        self.file = file
        self.host = host
    }

    /// The address to connect to.
    ///
    /// - Parameters:
    ///   - bound: where the coordinator listens, with the port that it really got
    ///   - machine: this machine's name
    package func address(of bound: Endpoint, machine: String) -> Endpoint {
        guard case .tcp(let listening, let port) = bound else { return bound }
        if let host { return .tcp(host: host, port: port) }
        return ["*", "0.0.0.0", "::"].contains(listening) ? .tcp(host: machine, port: port) : bound
    }

    /// Writes the file, if there is to be one: whoever reads it meanwhile sees all of it or none.
    func publish(_ address: Endpoint) throws(FileError) {
        guard let file else { return }
        try replaceFile(at: file, with: Array("\(address)\n".utf8))
    }
}
