// `siamese bench` from the outside: its JSON holds what was asked for, and it stops when told to. Times are not judged.
import Artifacts
import Foundation
import Glibc
import ModelCore
import Runtime
import Testing

extension EndToEnd {
    @Suite struct Benchmarks {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        @Test func aQuickRunMeasuresEverything() throws {
            let outcome = try run(["bench", "--quick", "--json"], in: workspace)
            try #require(outcome.code == 0, "\(outcome.errors)")
            let json = try JSONValue(parsing: Array(outcome.output.utf8))
            func list(_ key: String) throws -> [JSONValue] { try #require(json[key]?.array, "\(key)") }
            let leftOut = try list("left_out").count
            let cores = Machine.cores
            #expect(try list("peak").map { $0["cores"]?.integer } == (cores > 1 ? [1, cores] : [1]))
            let trained = try list("networks").filter { $0["pass"]?.string == "training" }
            let all = NetworkKind.allCases
            #expect(Set(trained.compactMap { $0["network"]?.string }) == Set(all.map(\.rawValue)))
            // Losses: one of each network, of the in-batch family one of each selector.
            let losses = all.reduce(0) { $0 + max(1, TupleSelector.choices(of: $1).count) }
            // Kernels of the architectures seed, wide and koch, and the losses; three embeddings, each network in each.
            #expect(try list("kernels").count == 15 + 18 + 22 + losses)
            #expect(try list("networks").count == 3 + 3 * all.count)
            let threads = BenchmarkOptions(
                architecture: nil, network: nil, seconds: nil, isQuick: true, cores: cores
            ).threadCounts
            #expect(try list("steps").count + list("threads").count + leftOut == 3 * (3 + threads.count))
            for key in ["peak", "kernels", "networks", "steps", "threads"] {
                for measurement in try list(key) {
                    #expect(try #require(measurement["seconds"]?.number) > 0, "\(measurement)")
                    #expect(try #require(measurement["spread"]?.number) >= 0, "\(measurement)")
                }
            }
            let notes = outcome.errorLines.filter { !$0.hasPrefix("note: ") }
            #expect(notes.isEmpty, "\(outcome.errors)")
            #expect(try list("warnings").count == outcome.errorLines.count)
        }

        @Test func filtersLeaveTheRestOut() throws {
            let outcome = try run(
                ["bench", "--quick", "--seconds", "1", "--architecture", "seed", "--network", "triplet"],
                in: workspace)
            try #require(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.errors.isEmpty, "no terminal, so nothing but the table: \(outcome.errors)")
            for title in ["Peak,", "Kernels, 24 images", "Networks", "Steps of triplet", "Steps of 256 examples"] {
                #expect(outcome.output.contains("\n\(title)"), "\(title): \(outcome.output)")
            }
            #expect(!outcome.output.contains("wide") && !outcome.output.contains("contrastive"))
        }

        @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
        func aSignalStopsIt(signal: Int32, code: Int32) throws {
            let program = try Program(["bench", "--seconds", "600"], in: workspace)
            // It says nothing meanwhile; once it catches the signal, it is measuring.
            try eventually("it catches signals") { catches(signal, program.processID) }
            program.send(signal)
            expectFailure(try program.waitForEnd(), code: code, naming: ["stopped before"])
        }
    }
}

/// Whether a process is the program already (before, it has the handlers of this one, whose fork it is) and has a handler for the
/// signal, from proc(5).
private func catches(_ signal: Int32, _ process: Int32) -> Bool {
    guard
        let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe"),
        program.hasSuffix("/siamese"),
        let status = FileManager.default.contents(atPath: "/proc/\(process)/status"),
        let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first(where: {
            $0.hasPrefix("SigCgt:")
        }), let digits = line.split(separator: "\t").last, let mask = UInt64(digits, radix: 16)
    else { return false }
    return mask & (1 << UInt64(signal - 1)) != 0
}
