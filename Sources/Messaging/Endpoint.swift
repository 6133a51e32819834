// Addresses of sockets, checked before libzmq sees them, so that a typing error is named as one. Names are not
// resolved here.

/// Where a socket binds or connects: `tcp://host:port`, `ipc://path` or `inproc://name`.
package enum Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// `host` is a name, an IPv4 address, an IPv6 address without its brackets, or, to bind, `*` or the name of a
    /// network interface. Port 0: any free one (only to bind).
    case tcp(host: String, port: UInt16)
    /// A Unix socket. A path that begins with `@` lies in Linux's abstract namespace.
    case ipc(path: String)
    /// Between threads of one context.
    case inproc(name: String)

    /// Bytes: `sun_path` of sockaddr_un has 108, the last of them zero (unix(7)).
    package static let longestIPCPath = 107

    /// What the user wrote, read strictly.
    package init(parsing text: String) throws(EndpointError) {
        guard let separator = text.firstRange(ofScheme: "://") else { throw .missingScheme(text) }
        // libzmq takes C strings: what stands behind a zero would be lost, and the address be another one.
        guard text.unicodeScalars.allSatisfy(Endpoint.isPrintable) else { throw .controlCharacter(text) }
        let rest = String(text[separator.upperBound...])
        switch text[..<separator.lowerBound] {
        case "tcp": self = try Endpoint.parseTCP(rest, in: text)
        case "ipc": self = try Endpoint.parseIPC(rest, in: text)
        case "inproc":
            guard !rest.isEmpty else { throw .missingName(text) }
            self = .inproc(name: rest)
        case let scheme: throw .unknownScheme(String(scheme), in: text)
        }
    }

    private static func parseTCP(_ rest: String, in text: String) throws(EndpointError) -> Endpoint {
        guard let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("]") else { throw .missingPort(text) }
        let port = try parsePort(rest[rest.index(after: colon)...], in: text)
        var host = rest[..<colon]
        if host.first == "[" && host.last == "]" {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw .unbracketedIPv6(text)
        }
        guard !host.isEmpty else { throw .missingHost(text) }
        guard host.utf8.allSatisfy(isHostByte) else { throw .badHost(String(host), in: text) }
        return .tcp(host: String(host), port: port)
    }

    private static func parsePort(_ digits: Substring, in text: String) throws(EndpointError) -> UInt16 {
        if digits == "*" { return 0 }
        guard !digits.isEmpty else { throw .missingPort(text) }
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits) else {
            throw .badPort(String(digits), in: text)
        }
        return port
    }

    private static func parseIPC(_ path: String, in text: String) throws(EndpointError) -> Endpoint {
        guard !path.isEmpty && path != "*" else { throw .missingPath(text) }
        let length = path.utf8.count
        guard length <= longestIPCPath else { throw .pathTooLong(path, bytes: length) }
        return .ipc(path: path)
    }

    /// Letters, digits, and what host names, IPv6 addresses, scopes and interface names need. Not `;`: libzmq would
    /// take what stands before it for a source address.
    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x80...: true
        default: "-._:%*".utf8.contains(byte)
        }
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
    }

    /// The form that libzmq takes and that messages show.
    package var description: String {
        switch self {
        case .tcp(let host, let port): "tcp://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        case .ipc(let path): "ipc://\(path)"
        case .inproc(let name): "inproc://\(name)"
        }
    }

    /// Whether only this machine can reach it. A name other than `localhost` counts as not.
    package var isLoopback: Bool {
        switch self {
        case .ipc, .inproc: true
        case .tcp(let host, _): host == "localhost" || host == "::1" || Endpoint.isIPv4Loopback(host)
        }
    }

    private static func isIPv4Loopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.first == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Whether libzmq must be told that this is IPv6. Only for a literal: with the option on it takes the first address
    /// that a name resolves to, and `localhost` is often `::1` first, where nobody listens.
    var isIPv6: Bool {
        if case .tcp(let host, _) = self { host.contains(":") } else { false }
    }

    /// Throws unless a peer can be reached here: not with port 0 or the host `*`.
    package func requireConnectable() throws(EndpointError) {
        guard case .tcp(let host, let port) = self else { return }
        if port == 0 { throw .noPortToConnectTo(description) }
        if host == "*" { throw .noHostToConnectTo(description) }
    }
}

extension String {
    /// The first place where `separator` stands, without Foundation.
    fileprivate func firstRange(ofScheme separator: String) -> Range<Index>? {
        indices.lazy.first { self[$0...].hasPrefix(separator) }
            .map { $0..<index($0, offsetBy: separator.count) }
    }
}

/// Why an address cannot be used. `in` is the whole text that the user gave.
package enum EndpointError: Error, Equatable, Sendable, CustomStringConvertible {
    case missingScheme(String)
    case controlCharacter(String)
    case unknownScheme(String, in: String)
    case missingHost(String)
    case badHost(String, in: String)
    case unbracketedIPv6(String)
    case missingPort(String)
    case badPort(String, in: String)
    case missingPath(String)
    case pathTooLong(String, bytes: Int)
    case missingName(String)
    case noPortToConnectTo(String)
    case noHostToConnectTo(String)

    package var description: String {
        switch self {
        case .missingScheme(let text):
            "'\(text)' is no address: write tcp://HOST:PORT or ipc://PATH"
        case .controlCharacter(let text):
            "\(text.debugDescription) holds a control character: was it read from a file with more than the address in it?"
        case .unknownScheme(let scheme, let text):
            "'\(text)': '\(scheme)' is not spoken here; write tcp://HOST:PORT or ipc://PATH"
        case .missingHost(let text):
            "'\(text)' names no host: write tcp://HOST:PORT, with HOST 0.0.0.0 to listen on every interface"
        case .badHost(let host, let text):
            "'\(text)': '\(host)' cannot be the name or number of a host"
        case .unbracketedIPv6(let text):
            "'\(text)': put the IPv6 address in brackets, as in tcp://[::1]:5555"
        case .missingPort(let text):
            "'\(text)' names no port: write tcp://HOST:PORT, for instance tcp://127.0.0.1:5555"
        case .badPort(let port, let text):
            "'\(text)': port '\(port)' is not a number from 0 to 65535"
        case .missingPath(let text):
            "'\(text)' names no path: write ipc:///run/siamese.sock, for instance"
        case .pathTooLong(let path, let bytes):
            "the path of a Unix socket has at most \(Endpoint.longestIPCPath) bytes, '\(path)' has \(bytes): "
                + "use a shorter folder (TMPDIR=/tmp)"
        case .missingName(let text):
            "'\(text)' has no name after inproc://"
        case .noPortToConnectTo(let text):
            "'\(text)': port 0 means any free port and only serves to listen; give the port the coordinator printed"
        case .noHostToConnectTo(let text):
            "'\(text)': '*' only serves to listen; give the host that the coordinator runs on"
        }
    }
}
