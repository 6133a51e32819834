// As much of HTTP/1.1 (RFC 9112) as answering one GET takes. Pure: bytes in, a response out. A connection is good for one request;
// bodies, pipelining and persistence are not spoken.

/// The head of a request as it comes in.
package struct HTTPRequest {
    /// Bytes of request line and header fields.
    package static let longestHead = 8192

    package enum Verdict: Equatable {
        case incomplete
        case get(path: String)
        case refused(HTTPResponse)
    }

    private var head: [UInt8] = []

    package init() {}

    /// Takes what has come in. Never keeps more than `longestHead` bytes.
    package mutating func receive(_ bytes: some Collection<UInt8>) -> Verdict {
        head += bytes.prefix(Self.longestHead + 1 - head.count)
        let lines = head.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // The last one is not complete.
        let complete = lines.dropLast().map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
        if let first = complete.first {
            let verdict = Self.verdict(onLine: first)
            if case .refused = verdict { return verdict }
            if complete.dropFirst().contains(where: \.isEmpty) { return verdict }
        }
        guard head.count <= Self.longestHead else { return .refused(.headTooLong) }
        return .incomplete
    }

    private static func verdict(onLine line: ArraySlice<UInt8>) -> Verdict {
        let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard words.count == 3, line.allSatisfy({ (0x20...0x7e).contains($0) }), !words[0].isEmpty,
            words[1].first == UInt8(ascii: "/"), words[2].starts(with: "HTTP/1.".utf8)
        else { return .refused(.badRequest) }
        guard words[0].elementsEqual("GET".utf8) else { return .refused(.methodNotAllowed) }
        return .get(path: String(decoding: words[1].prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self))
    }
}

/// What goes back, after which the connection is closed.
package struct HTTPResponse: Equatable {
    package let status: String
    package let contentType: String
    package let body: [UInt8]
    let fields: [String]

    package init(
        _ status: String, contentType: String = "text/plain; charset=utf-8", fields: [String] = [], _ body: String
    ) {
        self.status = status
        self.contentType = contentType
        self.body = Array(body.utf8)
        self.fields = fields
    }

    static let badRequest = HTTPResponse("400 Bad Request", "this is no HTTP request\n")
    static let notFound = HTTPResponse("404 Not Found", "there is only /metrics here\n")
    static let methodNotAllowed = HTTPResponse(
        "405 Method Not Allowed", fields: ["Allow: GET"], "only GET is served here\n")
    static let timeout = HTTPResponse("408 Request Timeout", "the request took too long to come\n")
    static let headTooLong = HTTPResponse(
        "431 Request Header Fields Too Large", "a request has at most \(HTTPRequest.longestHead) bytes here\n")
    static let notYet = HTTPResponse("503 Service Unavailable", fields: ["Retry-After: 1"], "nothing is known yet\n")

    package var bytes: [UInt8] {
        let head =
            [
                "HTTP/1.1 \(status)", "Content-Type: \(contentType)", "Content-Length: \(body.count)",
                "Cache-Control: no-store", "Connection: close",
            ] + fields
        return Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
    }
}
