// What the user of a coordinator reads about those who were not let in.
internal import Glibc
internal import Messaging

extension StrangerReport {
    /// - Parameter isKeyed: whether this coordinator has keys
    func sentence(isKeyed: Bool) -> String {
        let more = unmentioned == 0 ? "" : " (and \(unmentioned) more like it since the last such line)"
        return "not let in: \(who), \(what(isKeyed))\(more)"
    }

    private var who: String {
        address.map { "a peer at \($0)" } ?? "a peer that was gone before its address could be read"
    }

    private func what(_ isKeyed: Bool) -> String {
        switch stranger {
        case .unknownKey(let key):
            "with a key that is not admitted: \(key). If it is a worker's, its file NAME.pub belongs in the folder "
                + "'admitted', and this process wants a SIGHUP"
        case .revokedKey(let name):
            "with the revoked key of '\(name)'"
        case .wrongServerKey:
            "with a wrong key for this coordinator: its --key was made for another one"
        case .otherMechanism where isKeyed:
            "without keys: a worker needs --key FILE here"
        case .otherMechanism:
            "with keys, and this coordinator runs without keys: start it with --keys DIR"
        case .otherProtocol(let code):
            "speaking another protocol (0x\(String(code, radix: 16)))"
        case .brokeOff(let code):
            "hanging up during the handshake (\(String(cString: strerror(code)))): one with other keys or without keys, a "
                + "port scanner, or a broken link"
        case .notAccepted(let code):
            "not even accepted: \(String(cString: strerror(code)))"
        }
    }
}
