// Which address a coordinator announces, and where a worker looks for it. Waiting for the file is tested with real processes, in
// EndToEndTests.
import Messaging
import Runtime
import Testing

@Suite struct CoordinatorPlaceTests {
    private static let here = Endpoint.tcp(host: "10.0.0.1", port: 5555)

    @Test func anAddressWinsOverAFileAndBothOverTheEnvironment() throws {
        let environment = [CoordinatorPlace.variable: "tcp://10.0.0.3:5555"]
        func place(_ connect: String?, _ file: String?, _ environment: [String: String]) throws -> CoordinatorPlace {
            try CoordinatorPlace(connect: connect, connectFile: file, environment: environment)
        }
        #expect(try place("\(Self.here)", "/shared/address", environment) == .address(Self.here))
        #expect(try place(nil, "/shared/address", environment) == .file("/shared/address"))
        #expect(try place(nil, nil, environment) == .address(.tcp(host: "10.0.0.3", port: 5555)))
        #expect(throws: CoordinatorPlaceError.nowhere) { try place(nil, nil, [:]) }
        #expect(throws: CoordinatorPlaceError.nowhere) { try place(nil, nil, [CoordinatorPlace.variable: ""]) }
        #expect(throws: CoordinatorPlaceError.unnamedFile) { try place(nil, "", environment) }
        // What is not used is not looked at.
        #expect(try place(nil, "f", [CoordinatorPlace.variable: "nonsense"]) == .file("f"))
    }

    @Test(arguments: ["nonsense", "tcp://*:5555", "tcp://10.0.0.1:0", "inproc://x", "tcp://10.0.0.1"])
    func aWrongAddressNamesWhereItStands(text: String) {
        #expect {
            try CoordinatorPlace(connect: nil, connectFile: nil, environment: [CoordinatorPlace.variable: text])
        } throws: { "\($0)".hasPrefix("\(CoordinatorPlace.variable): ") }
        #expect {
            try CoordinatorPlace(connect: text, connectFile: nil, environment: [:])
        } throws: { "\($0)".hasPrefix("--connect: ") }
    }

    @Test(arguments: [
        ("tcp://10.0.0.1:5555", nil, "tcp://10.0.0.1:5555"), ("tcp://0.0.0.0:5555", nil, "tcp://node7:5555"),
        ("tcp://[::]:5555", nil, "tcp://node7:5555"), ("tcp://0.0.0.0:5555", "gate", "tcp://gate:5555"),
        ("tcp://10.0.0.1:5555", "2001:db8::1", "tcp://[2001:db8::1]:5555"), ("ipc:///run/s", "gate", "ipc:///run/s"),
    ])
    func theAnnouncedAddressCanBeReached(bound: String, host: String?, announced: String) throws {
        let address = Announcement(host: host).address(of: try Endpoint(parsing: bound), machine: "node7")
        #expect("\(address)" == announced)
        try address.requireConnectable()
    }
}
