// Metrics over HTTP: what is written, what is served, and that neither garbage nor idlers keep anybody out.
import Coordination
import Glibc
import Runtime
import TestKit
import Testing

@Suite struct MetricsTests {
    private let run = StatusFixture.run([
        StatusFixture.worker("node1", speed: 5000, peer: 1),
        StatusFixture.worker("a \"b\" \\c", speed: .infinity, peer: 2),
    ])

    // MARK: The text

    @Test func theTextIsWhatPrometheusReads() throws {
        let samples = try PrometheusSamples(parsing: MetricsText(run, age: 0.5).text)
        #expect(samples.values["siamese_step_total"] == 1234 && samples.kinds["siamese_step_total"] == "counter")
        #expect(samples.values["siamese_snapshot_age_seconds"] == 0.5)
        #expect(samples.values[#"siamese_worker_compute_seconds{worker="node1",pid="4711",quantile="0.95"}"#] == 0.008)
        #expect(samples.values[#"siamese_worker_images_per_second{worker="a \"b\" \\c",pid="4711"}"#] == .infinity)
        #expect(samples.values[#"siamese_worker_state{worker="node1",pid="4711",state="computing"}"#] == 1)
        #expect(samples.values[#"siamese_worker_state{worker="node1",pid="4711",state="stalled"}"#] == 0)
        #expect(samples.kinds["siamese_test_loss"] == nil, "what is not known is not there")
    }

    @Test func aRunWithoutWorkersAndWorkersOfOneNameAreReadToo() throws {
        let fresh = RunStatus(run: "1", network: "triplet", dataset: "MNIST", epochs: 1)
        #expect(try PrometheusSamples(parsing: MetricsText(fresh, age: 0).text).values["siamese_workers"] == 0)
        let twins = StatusFixture.run([1, 2].map { StatusFixture.worker("twin", speed: 1, peer: $0) })
        let samples = try PrometheusSamples(parsing: MetricsText(twins, age: 0).text)
        #expect(samples.values[#"siamese_worker_threads{worker="twin#2",pid="4711"}"#] == 4)
    }

    /// The strict reader is strict.
    @Test(arguments: [
        "a 1\n", "# HELP a b\n# TYPE a gauge\nb 1\n", "# HELP a b\n# TYPE a gauge\na 1\na 2\n",
        "# HELP a b\n# TYPE a counter\na 1\n", "# HELP a b\n# TYPE a gauge\na{x=\"1} 1\n",
        "# HELP a b\n# TYPE a gauge\na x\n",
        "# HELP a b\n# TYPE a gauge\na 1",
    ])
    func malformedTextIsFound(text: String) {
        #expect(throws: PrometheusSamples.Malformed.self) { try PrometheusSamples(parsing: text) }
    }

    // MARK: Requests

    private func verdict(_ pieces: String...) -> HTTPRequest.Verdict {
        var request = HTTPRequest()
        return pieces.reduce(.incomplete) { request.receive(Array($1.utf8)).after($0) }
    }

    @Test func requestsAreReadInPieces() {
        #expect(verdict("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n") == .get(path: "/metrics"))
        #expect(verdict("GE", "T /metrics?x=1 HTTP/1.0\r", "\n\r", "\n") == .get(path: "/metrics"))
        #expect(verdict("GET /metrics HTTP/1.1\n\n") == .get(path: "/metrics"))
        #expect(verdict("GET /metrics HTTP/1.1\r\nHost: a\r\n") == .incomplete)
        #expect(verdict("") == .incomplete)
    }

    @Test(arguments: [
        ("POST /metrics HTTP/1.1\r\n", "405"), ("HEAD /metrics HTTP/1.1\r\n", "405"),
        ("GET metrics HTTP/1.1\r\n", "400"),
        ("GET /metrics HTTP/2\r\n", "400"), ("GET  /metrics HTTP/1.1\r\n", "400"), ("\r\n", "400"),
        ("\u{16}\u{3}\u{1}\n", "400"), ("GET /a\u{7f} HTTP/1.1\r\n", "400"),
    ])
    func whatIsNoRequestIsRefusedAtItsFirstLine(text: String, status: String) throws {
        guard case .refused(let response) = verdict(text) else { throw Unexpected(what: "\(verdict(text))") }
        #expect(response.status.hasPrefix(status))
    }

    @Test func aHeadWithoutEndIsRefused() throws {
        let endless = "GET / HTTP/1.1\r\n" + String(repeating: "x", count: HTTPRequest.longestHead)
        guard case .refused(let response) = verdict(endless) else { throw Unexpected(what: "\(verdict(endless))") }
        #expect(response.status.hasPrefix("431"))
    }

    @Test func noBytesAreTooMuchForTheReader() {
        var random = SplitMix64(seed: 7)
        let words = ["GET", " ", "/", "HTTP/1.1", "\r\n", "\n", "\r", "metrics", ":", "\u{0}"]
        for _ in 0..<20_000 {
            var request = HTTPRequest()
            for _ in 0..<random.below(12) {
                let isWord = random.happens(0.7)
                let bytes =
                    isWord
                    ? Array(words[random.below(words.count)].utf8)
                    : (0..<random.below(300)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                guard case .incomplete = request.receive(bytes) else { break }
            }
        }
    }

    // MARK: The server

    private let get = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"

    @Test func theServerServes() throws {
        let server = try MetricsServer(port: 0)
        #expect(try exchange(port: server.port, get).hasPrefix("HTTP/1.1 503 "))
        server.publish(run)
        let answer = try exchange(port: server.port, get)
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
        let body = try #require(answer.firstRange(of: "\r\n\r\n")).upperBound
        #expect(answer.contains("Content-Length: \(answer[body...].utf8.count)\r\n"))
        #expect(try PrometheusSamples(parsing: String(answer[body...])).values["siamese_workers"] == 2)
        #expect(try exchange(port: server.port, "GET / HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 404 "))
        #expect(try exchange(port: server.port, "DELETE /metrics HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 405 "))
        #expect(server.address == "http://127.0.0.1:\(server.port)/metrics")
    }

    @Test func idlersKeepNobodyOut() throws {
        let server = try MetricsServer(port: 0)
        server.publish(run)
        let idlers = try (0..<40).map { _ in try LoopbackConnection(port: server.port) }
        idlers[39].say(Array("GET /met".utf8))
        #expect(try exchange(port: server.port, get).hasPrefix("HTTP/1.1 200 "))
        // The last of them is told that it takes too long.
        #expect(String(decoding: try idlers[39].listen(), as: UTF8.self).hasPrefix("HTTP/1.1 408 "))
        // The first had to go long before.
        #expect(try idlers[0].listen() == [])
    }

    @Test func garbageKeepsNobodyOut() throws {
        let server = try MetricsServer(port: 0)
        server.publish(run)
        var random = SplitMix64(seed: 11)
        for _ in 0..<200 {
            let connection = try LoopbackConnection(port: server.port)
            connection.say((0..<random.below(3000)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        }
        #expect(try exchange(port: server.port, get).hasPrefix("HTTP/1.1 200 "))
    }

    @Test func aPortThatIsTakenIsSaidToBeSo() throws {
        let server = try MetricsServer(port: 0)
        let failure = #expect(throws: RunFailure.self) { try MetricsServer(port: server.port) }
        #expect(failure?.code == 69)
        #expect(failure?.description.contains("127.0.0.1:\(server.port)") == true)
    }

    @Test func theServerEndsWithItsOwner() throws {
        var server: MetricsServer? = try MetricsServer(port: 0)
        let port = try #require(server?.port)
        server = nil
        #expect(throws: LoopbackError.self) { try LoopbackConnection(port: port) }
    }

    private struct Unexpected: Error { let what: String }
}

extension HTTPRequest.Verdict {
    /// The first one that says something.
    fileprivate func after(_ earlier: Self) -> Self { earlier == .incomplete ? self : earlier }
}
