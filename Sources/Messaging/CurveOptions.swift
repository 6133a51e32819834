// CURVE on a socket. All of it before bind and connect: a socket is never reachable with less than it will have.

internal import CZeroMQ

/// Only in the header of libzmq's DRAFT API; every libzmq since 4.3.3 knows the number.
private let zapEnforceDomain: Int32 = 93

extension SocketHandle {
    /// Only peers that prove an admitted key come in.
    ///
    /// A CURVE server without a ZAP domain, or with one but without the option that enforces it, lets in whoever has *any*
    /// key while no handler is there ("Stonehouse", libzmq#2594). With both, no handler means that nobody comes in; a libzmq
    /// that does not know the option makes this throw.
    func becomeCurveServer(_ keys: KeyPair, _ options: SocketOptions) throws(ZeroMQError) {
        try set(ZMQ_CURVE_SERVER, to: 1 as Int32)
        try set(ZMQ_CURVE_SECRETKEY, to: keys.secretKey.z85)
        try set(ZMQ_ZAP_DOMAIN, to: Gatekeeper.domain)
        try set(zapEnforceDomain, to: 1 as Int32)
        try makeRoomForEncryption(options)
    }

    /// Speaks only to who proves `keys.server`.
    func becomeCurveClient(_ keys: ClientKeys, _ options: SocketOptions) throws(ZeroMQError) {
        try set(ZMQ_CURVE_SERVERKEY, to: keys.server.description)
        try set(ZMQ_CURVE_PUBLICKEY, to: keys.own.publicKey.description)
        try set(ZMQ_CURVE_SECRETKEY, to: keys.own.secretKey.z85)
        try makeRoomForEncryption(options)
    }

    /// A frame travels as a command of 33 bytes more (rfc.zeromq.org/spec/26: name, nonce, flags, authenticator), and that is what
    /// libzmq measures against MAXMSGSIZE.
    private func makeRoomForEncryption(_ options: SocketOptions) throws(ZeroMQError) {
        try set(ZMQ_MAXMSGSIZE, to: options.largestFrame + 33)
    }

    private func set(_ option: Int32, to text: String) throws(ZeroMQError) {
        var text = text
        let status = text.withUTF8 { zmq_setsockopt(raw, option, $0.baseAddress, $0.count) }
        // Not the value: it may be a secret.
        guard status == 0 else { throw .last("set socket option \(option)") }
    }
}
