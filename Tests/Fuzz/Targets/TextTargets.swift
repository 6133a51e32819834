// Text that people and peers write: JSON, the description of a job, addresses, keys. Whatever is accepted must come out of its own
// encoder as something that means the same.
import Artifacts
import Messaging
import ModelCore
import Runtime

extension FuzzTarget {
    static let json = FuzzTarget(
        name: "json",
        samples: [
            #"{"a": [1, -2.5e3, null, true, false], "b": {"c": "é\n\u00e9\ud83d\ude00"}, "d": ""}"#,
            "[[[[[[[[0]]]]]]]]",
            #" {"steps" : 120 , "loss" : 0.25} "#, "-0", "9223372036854775808", "1e308",
        ].map { Array($0.utf8) },
        tokens: jsonTokens, json: { 0..<$0.count }
    ) { input, meter in
        do {
            let value = try meter.hold(atMost: proportional(to: input)) { try JSONValue(parsing: input) }
            let (line, page) = (value.compact(), value.pretty())
            try require(
                try JSONValue(parsing: line) == value, "\(String(decoding: line, as: UTF8.self)) is another value")
            try require(
                try JSONValue(parsing: page) == value, "\(String(decoding: page, as: UTF8.self)) is another value")
            return true
        } catch let error as JSONError {
            try requireSentence(error, atMost: 200 + input.count)
            try require(
                (0...input.count).contains(error.offset), "the error is at byte \(error.offset) of \(input.count)")
            return false
        }
    }

    static let jsonTokens = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "null", "true", "false", "-", "0", "e",
        "E+", ".",
        "9223372036854775807", "-9223372036854775808", "18446744073709551615", "1e999", "\u{0}", "\u{7f}", "é",
        "e\u{301}",
    ]

    /// What a parser may hold: so many times its input, and a little that does not depend on it. An element of two bytes ("1,")
    /// becomes one of 24 in an array that doubles as it grows, and is there twice while it does.
    static func proportional(to input: [UInt8]) -> Int { 64 * input.count + 16_384 }

    static let job = FuzzTarget(
        name: "job",
        samples: NetworkKind.allCases.flatMap { kind in
            Architecture.allCases.map {
                NetworkDescription(
                    kind: kind, architecture: $0, latentDimensions: 3, margin: 0.5, beta: 2,
                    noise: NoisePlan(seed: .max, batchSize: 44)
                ).jobDescription
            }
        },
        tokens: jsonTokens + ["latent_dims", "4096", "4097", "margin_bits", "network", "2139095040", "4294967295"],
        json: { 0..<$0.count }
    ) { input, meter in
        let description = try meter.hold(atMost: proportional(to: input)) { NetworkDescription(jobDescription: input) }
        guard let description else { return false }
        try require((1...4096).contains(description.latentDimensions), "a network of any size is accepted")
        try require(
            description.margin.isFinite && description.margin > 0, "a margin of \(description.margin) is accepted")
        let again = NetworkDescription(jobDescription: description.jobDescription)
        try require(again == description, "\(description) becomes \(String(describing: again))")
        return true
    }

    static let endpoint = FuzzTarget(
        name: "endpoint",
        samples: [
            "tcp://127.0.0.1:5555", "tcp://[::1]:0", "tcp://*:*", "tcp://node-7.example.org:65535",
            "tcp://[fe80::1%eth0]:1",
            "ipc:///run/siamese.sock", "ipc://@abstract", "inproc://a",
        ].map { Array($0.utf8) },
        tokens: [
            "://", "tcp://", "ipc://", "inproc://", "[", "]", ":", "*", "@", ";", "\u{0}", "\u{301}", "é", "65536",
            "127.", "localhost",
        ]
    ) { input, meter in
        let text = String(decoding: input, as: UTF8.self)
        do {
            let endpoint = try meter.hold(atMost: proportional(to: input)) { try Endpoint(parsing: text) }
            let written = endpoint.description
            try require(try Endpoint(parsing: written) == endpoint, "'\(text)' is written '\(written)'")
            let isPrintable = written.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
            try require(isPrintable, "an address with control characters: libzmq ends it at a zero")
            if !endpoint.isLoopback {
                try require(written.hasPrefix("tcp:"), "\(written) is said to leave this machine")
            }
            try? endpoint.requireConnectable()
            return true
        } catch let error as EndpointError {
            try requireSentence(error, atMost: 300 + 8 * text.utf8.count)
            return false
        }
    }

    static let keyFile = FuzzTarget(
        name: "key",
        samples: ["Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"].map {
            Array($0.utf8)
        },
        tokens: ["#####", "%nSc0", "\u{0}", "é", "\"", " "]
    ) { input, meter in
        let text = String(decoding: input, as: UTF8.self)
        let key = try meter.hold(atMost: proportional(to: input)) { PublicKey(z85: text) }
        guard let key else { return false }
        try require("\(key)" == text, "two texts mean the key \(key)")
        return true
    }
}
