// Addresses that users type, right and wrong.

import Messaging
import Testing

@Suite struct EndpointTests {
    @Test(arguments: [
        ("tcp://127.0.0.1:5555", Endpoint.tcp(host: "127.0.0.1", port: 5555)),
        ("tcp://node-17.cluster.example:80", .tcp(host: "node-17.cluster.example", port: 80)),
        ("tcp://[::1]:5555", .tcp(host: "::1", port: 5555)),
        ("tcp://[fe80::1%eth0]:1", .tcp(host: "fe80::1%eth0", port: 1)),
        ("tcp://0.0.0.0:65535", .tcp(host: "0.0.0.0", port: 65535)),
        ("tcp://*:0", .tcp(host: "*", port: 0)),
        ("ipc:///run/a b.sock", .ipc(path: "/run/a b.sock")),
        ("ipc://@abstract", .ipc(path: "@abstract")),
        ("inproc://x", .inproc(name: "x")),
    ])
    func readsAndWrites(text: String, expected: Endpoint) throws {
        let endpoint = try Endpoint(parsing: text)
        #expect(endpoint == expected)
        #expect(endpoint.description == text)
    }

    @Test func aStarIsAnyFreePort() throws {
        #expect(try Endpoint(parsing: "tcp://127.0.0.1:*") == .tcp(host: "127.0.0.1", port: 0))
    }

    @Test(arguments: [
        ("localhost:5555", EndpointError.missingScheme("localhost:5555")),
        ("", .missingScheme("")),
        ("http://a:1", .unknownScheme("http", in: "http://a:1")),
        ("TCP://a:1", .unknownScheme("TCP", in: "TCP://a:1")),
        ("tcp://", .missingPort("tcp://")),
        ("tcp://a", .missingPort("tcp://a")),
        ("tcp://a:", .missingPort("tcp://a:")),
        ("tcp://[::1]", .missingPort("tcp://[::1]")),
        ("tcp://:1", .missingHost("tcp://:1")),
        ("tcp://[]:1", .missingHost("tcp://[]:1")),
        ("tcp://::1:5555", .unbracketedIPv6("tcp://::1:5555")),
        ("tcp://a:65536", .badPort("65536", in: "tcp://a:65536")),
        ("tcp://a:-1", .badPort("-1", in: "tcp://a:-1")),
        ("tcp://a:+1", .badPort("+1", in: "tcp://a:+1")),
        ("tcp://a:5555/", .badPort("5555/", in: "tcp://a:5555/")),
        ("tcp://eth0;a:1", .badHost("eth0;a", in: "tcp://eth0;a:1")),
        ("tcp://a b:1", .badHost("a b", in: "tcp://a b:1")),
        ("ipc://", .missingPath("ipc://")),
        ("ipc://*", .missingPath("ipc://*")),
        ("inproc://", .missingName("inproc://")),
    ])
    func refuses(text: String, expected: EndpointError) {
        #expect(throws: expected) { try Endpoint(parsing: text) }
    }

    @Test func aUnixPathFitsExactlyOrIsRefused() throws {
        let longest = "/" + String(repeating: "a", count: Endpoint.longestIPCPath - 1)
        #expect(try Endpoint(parsing: "ipc://" + longest) == .ipc(path: longest))
        #expect(throws: EndpointError.pathTooLong(longest + "a", bytes: 108)) {
            try Endpoint(parsing: "ipc://" + longest + "a")
        }
        let context = try Context()
        let router = try RouterSocket(context: context)
        // libzmq agrees about the limit: what fails is the name of 106 letters, not the length of the path.
        let error = #expect(throws: BindError.self) {
            try router.bind(to: .ipc(path: "/no-such-folder/" + longest.dropFirst(16)))
        }
        #expect(error?.cause == .noSuchFolder)
    }

    @Test(arguments: [
        ("tcp://127.0.0.1:1", true), ("tcp://127.9.9.9:1", true), ("tcp://localhost:1", true), ("tcp://[::1]:1", true),
        ("ipc://x", true), ("inproc://x", true), ("tcp://0.0.0.0:1", false), ("tcp://*:1", false),
        ("tcp://[::]:1", false), ("tcp://127.evil.example:1", false), ("tcp://127.0.0.1.evil:1", false),
        ("tcp://10.0.0.1:1", false),
    ])
    func knowsLoopback(text: String, expected: Bool) throws {
        #expect(try Endpoint(parsing: text).isLoopback == expected)
    }

    @Test func aWildcardCannotBeConnectedTo() throws {
        #expect(throws: EndpointError.noPortToConnectTo("tcp://a:0")) {
            try Endpoint.tcp(host: "a", port: 0).requireConnectable()
        }
        let dealer = try DealerSocket(context: Context())
        #expect(throws: ConnectError.endpoint(.noHostToConnectTo("tcp://*:1"))) {
            try dealer.connect(to: .tcp(host: "*", port: 1))
        }
    }
}
