// Where a worker finds its coordinator: an address it is given, or a file that the coordinator writes (`Announcement.swift`) as soon
// as it listens. One command then suits every node of a cluster, and nobody has to know a port beforehand.
package import Messaging
internal import Storage

/// Where to look for the coordinator.
package enum CoordinatorPlace: Sendable, Equatable {
    case address(Endpoint)
    /// A file with one address; it may not be there yet.
    case file(String)

    /// The environment variable with an address, for when no option says more.
    package static let variable = "SIAMESE_COORDINATOR"

    /// An option for the address wins over one for a file, and both over the environment.
    package init(
        connect: String?, connectFile: String?, environment: [String: String]
    ) throws(CoordinatorPlaceError) {
        if let connect {
            self = .address(try Self.connectable(connect, in: "--connect"))
        } else if let connectFile {
            guard !connectFile.isEmpty else { throw .unnamedFile }
            self = .file(connectFile)
        } else if let text = environment[Self.variable], !text.isEmpty {
            self = .address(try Self.connectable(text, in: Self.variable))
        } else {
            throw .nowhere
        }
    }

    /// - Parameter source: what to call the place of a wrong address
    fileprivate static func connectable(_ text: String, in source: String) throws(CoordinatorPlaceError) -> Endpoint {
        do {
            let endpoint = try Endpoint(parsing: text)
            try endpoint.requireConnectable()
            if case .inproc = endpoint { throw CoordinatorPlaceError.unreachable(text, in: source) }
            return endpoint
        } catch let error as EndpointError {
            throw .wrong(error, in: source)
        } catch {
            throw .unreachable(text, in: source)
        }
    }

    /// The address in the file's bytes; nil while there is none.
    static func address(in bytes: [UInt8], of file: String) throws(CoordinatorPlaceError) -> Endpoint? {
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard let word = words.first else { return nil }
        guard words.count == 1 else { throw .manyWords(in: file) }
        return try connectable(String(word), in: file)
    }
}

/// Why nobody can be found there.
package enum CoordinatorPlaceError: Error, Equatable, Sendable, CustomStringConvertible {
    case nowhere
    case unnamedFile
    case wrong(EndpointError, in: String)
    case unreachable(String, in: String)
    case manyWords(in: String)

    package var description: String {
        switch self {
        case .nowhere:
            "where is the coordinator? Give --connect ADDRESS or --connect-file FILE, or set \(CoordinatorPlace.variable)"
        case .unnamedFile: "--connect-file must name a file"
        case .wrong(let error, let source): "\(source): \(error)"
        case .unreachable(let text, let source): "\(source): \(text) is inside another process"
        case .manyWords(let file):
            "\(file): there is more in it than one address; is it the file of the coordinator's --address-file?"
        }
    }
}

extension CoordinatorPlace {
    /// Between two looks at the file. It is looked at and not watched: shared file systems do not tell of what other machines do.
    private static let betweenLooks: UInt64 = 100_000_000

    /// The coordinator's address, as soon as it is known.
    ///
    /// - Parameters:
    ///   - patience: seconds to wait for the file; nil: for ever
    ///   - service: told that this process is alive
    /// - Throws: `RunFailure`, also when a signal stops the waiting.
    package func resolve(patience: Double?, service: ServiceNotifier?) throws -> Endpoint {
        let path: String
        switch self {
        case .address(let endpoint): return endpoint
        case .file(let file): path = file
        }
        let signals = try SignalWatch()
        let poller = Poller<Int>()
        poller.watch(descriptor: signals.descriptor, as: 0)
        let deadline = patience.map { MonotonicClock.now() + UInt64($0 * 1e9) }
        service?.tell("waiting for the coordinator's address in \(path)")
        while true {
            if let signal = signals.received { throw RunFailure(stoppedBy: signal, "stopped by a signal") }
            if let endpoint = try look(into: path) { return endpoint }
            let now = MonotonicClock.now()
            if let patience, let deadline, now >= deadline {
                throw RunFailure(
                    .unavailable,
                    "no address in \(path) within \(patience) s: is the coordinator running, and with --address-file \(path)?"
                )
            }
            service?.beat()
            _ = try poller.wait(until: min(now + Self.betweenLooks, deadline ?? .max))
        }
    }

    private func look(into path: String) throws -> Endpoint? {
        let bytes: [UInt8]
        do {
            bytes = try readFile(at: path, atMost: 4096)
        } catch {
            // Also what NFS says of a file that was replaced while it was being read.
            if error.isAbsence { return nil }
            throw RunFailure(.badConfiguration, "\(error)")
        }
        do {
            return try Self.address(in: bytes, of: path)
        } catch {
            throw RunFailure(.badConfiguration, "\(error)")
        }
    }
}
