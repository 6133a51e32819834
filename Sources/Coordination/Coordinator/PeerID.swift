// Whom the shell can send to. Not a name that a peer chose: the shell makes these, one per connection.

/// An opaque number that the coordinator's shell maps to a routing id of its socket. Never used again for another peer.
package struct PeerID: Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

extension PeerID: CustomStringConvertible {
    package var description: String { "peer \(rawValue)" }
}

/// An admitted worker, for logs.
package struct WorkerIdentity: Hashable, Sendable {
    package let peer: PeerID
    package let incarnation: UInt64
    package let processName: String
    package let processID: UInt32
    package let threads: UInt16
    /// The name of the key that it authenticated itself with; nil on a link without keys.
    package let credential: String?

    init(_ hello: Hello, peer: PeerID, credential: String?) {
        self.credential = credential
        self.peer = peer
        incarnation = hello.incarnation
        processName = hello.processName
        processID = hello.processID
        threads = hello.threads
    }
}

extension WorkerIdentity {
    /// Whom to recognise when it comes again: the process, under its key. A process that shares its key may say that it is another of
    /// that key, but never one of another key.
    package var person: String { "process \(incarnation >> Self.registrationBits)" + (key.map { ", \($0)" } ?? "") }

    /// All that have authenticated themselves as this one did: often one process after another, perhaps many at a time.
    var key: String? { credential.map { "key \($0)" } }

    /// Whether a person is a process of this key.
    static func person(_ person: String, isOf key: String) -> Bool {
        person == key || person.split(separator: ", ", maxSplits: 1).dropFirst().first.map(String.init) == key
    }

    /// The low bits of an incarnation count how often a process has registered.
    package static let registrationBits: UInt64 = 16
}

extension WorkerIdentity: CustomStringConvertible {
    package var description: String {
        "\(processName) (pid \(processID), \(peer))\(credential.map { ", key \($0)" } ?? "")"
    }
}
