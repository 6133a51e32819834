// The coordinator's socket among peers that never stop talking. A process has one SignalWatch, which the link needs, so these tests run
// in processes of their own (Swift Testing's exit tests).
import Glibc
import Messaging
import Runtime
import Testing

@Suite struct RouterLinkTests {
    @Test func aFloodDoesNotKeepDeadlinesWaiting() async {
        await #expect(processExitsWith: .success) {
            let (context, endpoint) = (try Context(), try Endpoint(parsing: "inproc://flood"))
            let link = try RouterLink(
                context: context, endpoint: endpoint, largestFrame: 1000, signals: SignalWatch())
            let dealer = try DealerSocket(context: context)
            try dealer.connect(to: endpoint)
            var messages = 0
            for _ in 0..<500 {
                // As many as come in between.
                while try dealer.send([Frame([1])]) == .sent {}
                guard case .message = try link.next(until: 0) else { break }
                messages += 1
            }
            try #require(messages > 0 && messages < 500, "\(messages)")
            // And the rest is not lost.
            var more = 0
            for _ in 0..<10 { if case .message = try link.next(until: 0) { more += 1 } }
            try #require(more == 10)
        }
    }
}
