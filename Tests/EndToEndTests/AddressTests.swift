// A worker that is not told an address finds its coordinator by a file or by its environment, whichever of the two starts first.
import Foundation
import Glibc
import Testing

extension EndToEnd {
    @Suite struct Addresses {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private var file: String { "\(workspace.path)/address" }

        private func coordinator(_ more: String...) throws -> Program {
            try Program(
                ["coordinator"] + training("triplet", in: workspace) + ["--listen", "tcp://127.0.0.1:0"] + more,
                in: workspace)
        }

        @Test func aWorkerMayWaitForTheAddressOfACoordinatorThatComesLater() throws {
            // An empty file is one that somebody is about to write.
            try workspace.write([], to: "address")
            let worker = try Program(["worker", "--connect-file", file, "--patience", "0"], in: workspace)
            let coordinator = try coordinator("--address-file", file, "--advertise", "localhost")
            #expect(try coordinator.waitForEnd().modelDigest() == reference("triplet", steps: 60).model)
            #expect(try worker.waitForEnd().code == 0)
            let address = String(decoding: try workspace.read("address"), as: UTF8.self)
            #expect(address.hasPrefix("tcp://localhost:") && address.hasSuffix("\n"), "\(address)")
            #expect(workspace.names(in: "").allSatisfy { !$0.hasSuffix(".tmp") })
        }

        @Test func theEnvironmentNamesTheCoordinatorWhenNoOptionDoes() throws {
            let coordinator = try coordinator("--address-file", file)
            try coordinator.waitForLine(containing: "waiting for 1 worker")
            try eventually("the address") { FileManager.default.fileExists(atPath: file) }
            let address = String(decoding: try workspace.read("address").dropLast(), as: UTF8.self)
            let worker = try Program(["worker"], in: workspace, environment: ["SIAMESE_COORDINATOR": address])
            #expect(try coordinator.waitForEnd().modelDigest() == reference("triplet", steps: 60).model)
            #expect(try worker.waitForEnd().code == 0)
        }

        @Test func aCoordinatorThatIsRefusedAnnouncesNothing() throws {
            let first = try coordinator("--address-file", file)
            try first.waitForLine(containing: "waiting for 1 worker")
            try eventually("the address") { FileManager.default.fileExists(atPath: file) }
            let before = try workspace.read("address")
            #expect(try coordinator("--address-file", file).waitForEnd().code == 73)
            #expect(try workspace.read("address") == before)
        }

        @Test func waitingForAFileEndsWithPatienceOrASignal() throws {
            try expectRefusal(
                ["worker", "--connect-file", file, "--patience", "0.3"], in: workspace, code: 69,
                naming: [file, "0.3 s", "--address-file"])
            let manager = try Notified(["worker", "--connect-file", file, "--patience", "0"], in: workspace)
            try manager.wait(for: "STATUS=waiting for the coordinator's address in \(file)")
            manager.program.send(SIGTERM)
            expectFailure(try manager.program.waitForEnd(), code: 143, naming: ["stopped by a signal"])
        }

        @Test(arguments: [
            ("tcp://*:5555\n", "only serves to listen"), ("tcp://10.0.0.1:1\ntcp://10.0.0.2:1\n", "more in it"),
            ("hello", "no address"), (String(repeating: "x", count: 5000), "larger than allowed"),
        ])
        func aFileWithoutAnAddressIsRefused(content: String, reason: String) throws {
            try workspace.write(Array(content.utf8), to: "address")
            try expectRefusal(
                ["worker", "--connect-file", file], in: workspace, code: 78, naming: [file, reason])
        }

        @Test(arguments: [
            WrongUse("worker", "--connect-file", "", naming: "--connect-file"),
            WrongUse("worker", naming: "--connect", "--connect-file", "SIAMESE_COORDINATOR"),
            WrongUse(
                "coordinator", "triplet", "MNIST", "--listen", "tcp://127.0.0.1:0", "--address-file", "",
                naming: "--address-file"),
            WrongUse(
                "coordinator", "triplet", "MNIST", "--listen", "tcp://127.0.0.1:0", "--advertise", "0.0.0.0",
                naming: "--advertise", "only serves to listen"),
            WrongUse(
                "coordinator", "triplet", "MNIST", "--listen", "tcp://127.0.0.1:0", "--advertise", "gate:5555",
                naming: "--advertise", "without a port"),
        ])
        func wrongUseIsExplained(use: WrongUse) throws {
            try expectRefusal(use.arguments, in: workspace, code: 64, naming: use.words)
        }

        @Test func anAddressFileThatCannotBeWrittenEndsTheRun() throws {
            let outcome = try coordinator("--address-file", "\(workspace.path)/nowhere/address").waitForEnd()
            #expect(outcome.code == 73 && outcome.errors.contains("nowhere/address"), "\(outcome.errors)")
        }
    }
}
