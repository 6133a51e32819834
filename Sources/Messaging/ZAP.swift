// The question that libzmq asks before it lets a CURVE peer in, and our answer (ZAP, rfc.zeromq.org/spec/27). No socket, and no
// decision: that is the gatekeeper's.

/// "May this key come in?"
struct ZAPRequest: Equatable {
    static let version = Array("1.0".utf8)

    let id: [UInt8]
    let domain: String
    /// The peer's IP address; empty over ipc.
    let address: String
    /// Nil for any mechanism but CURVE, which is then refused.
    let key: PublicKey?

    /// Nil if it is no question of this version: libzmq itself sends them, so that would be another libzmq's.
    init?(_ frames: [Frame]) {
        let frames = frames.map { frame in frame.withUnsafeBytes { Array($0) } }
        guard frames.count >= 6, frames[0] == ZAPRequest.version else { return nil }
        id = frames[1]
        domain = String(decoding: frames[2], as: UTF8.self)
        address = String(decoding: frames[3], as: UTF8.self)
        let isCurve = frames[5] == Array("CURVE".utf8) && frames.count == 7
        key = isCurve ? PublicKey(bytes: frames[6]) : nil
    }
}

/// "Yes, and this is who it is", or "no".
enum ZAPReply {
    /// The key becomes the `User-Id` of everything that comes from this peer.
    case welcome(PublicKey)
    /// Not now or ever: a 300 ("later") would let libzmq retry in silence.
    case refused

    func frames(to id: [UInt8]) -> [Frame] {
        let (status, text, user) =
            switch self {
            case .welcome(let key): ("200", "OK", "\(key)")
            case .refused: ("400", "not admitted", "")
            }
        return [Frame(ZAPRequest.version), Frame(id)] + [status, text, user, ""].map { Frame(Array($0.utf8)) }
    }
}
