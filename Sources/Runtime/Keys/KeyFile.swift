// The four kinds of key file as text: what `siamese keygen` writes and everybody else reads. Not where they lie.
//
//     siamese-key 1 worker-secret
//     # The key of worker node1 …
//     public      Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID
//     secret      D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs
//     coordinator JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6
internal import Messaging
package import Storage

/// What is in a key file.
enum KeyFile: Equatable {
    /// Only for the coordinator.
    case coordinatorSecret(KeyPair)
    /// For whoever makes worker keys elsewhere.
    case coordinatorPublic(PublicKey)
    /// All that a worker needs.
    case workerSecret(ClientKeys)
    /// In the folder of the admitted.
    case workerPublic(PublicKey)

    /// The largest file that is read.
    static let largestSize = 4096
    private static let version = "1"

    enum Kind: String, CaseIterable {
        case coordinatorSecret = "coordinator-secret"
        case coordinatorPublic = "coordinator-public"
        case workerSecret = "worker-secret"
        case workerPublic = "worker-public"

        /// What a person calls it.
        var name: String {
            switch self {
            case .coordinatorSecret: "the coordinator's secret key (coordinator.key)"
            case .coordinatorPublic: "the coordinator's public key (coordinator.pub)"
            case .workerSecret: "a worker's key (workers/NAME.key)"
            case .workerPublic: "a worker's public key (admitted/NAME.pub)"
            }
        }

        fileprivate var fields: [Field] {
            switch self {
            case .coordinatorSecret: [.publicKey, .secretKey]
            case .coordinatorPublic, .workerPublic: [.publicKey]
            case .workerSecret: [.publicKey, .secretKey, .coordinator]
            }
        }
    }

    fileprivate enum Field: String {
        case publicKey = "public"
        case secretKey = "secret"
        case coordinator
    }

    var kind: Kind {
        switch self {
        case .coordinatorSecret: .coordinatorSecret
        case .coordinatorPublic: .coordinatorPublic
        case .workerSecret: .workerSecret
        case .workerPublic: .workerPublic
        }
    }

    private var values: [(Field, String)] {
        switch self {
        case .coordinatorSecret(let pair): [(.publicKey, "\(pair.publicKey)"), (.secretKey, pair.secretKey.z85)]
        case .coordinatorPublic(let key), .workerPublic(let key): [(.publicKey, "\(key)")]
        case .workerSecret(let keys):
            [
                (.publicKey, "\(keys.own.publicKey)"), (.secretKey, keys.own.secretKey.z85),
                (.coordinator, "\(keys.server)"),
            ]
        }
    }

    /// - Parameter comment: lines for people
    func encoded(comment: [String]) -> [UInt8] {
        let lines =
            ["siamese-key \(Self.version) \(kind.rawValue)"] + comment.map { "# \($0)" }
            + values.map { "\($0.0.rawValue) \($0.1)" }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// - Throws: what is wrong, in words that follow the file's name
    init(decoding bytes: [UInt8]) throws(KeyFileFlaw) {
        guard !bytes.isEmpty else { throw .empty }
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(omittingEmptySubsequences: true) { $0.isNewline }
            .filter { !$0.hasPrefix("#") }
            .map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
            .filter { !$0.isEmpty }
        guard let title = lines.first, title.count == 3, title[0] == "siamese-key" else { throw .noKeyFile }
        guard title[1] == Self.version else { throw .otherVersion(title[1]) }
        guard let kind = Kind(rawValue: title[2]) else { throw .unknownKind(title[2]) }
        self = try KeyFile(kind, Self.fields(of: kind, in: lines.dropFirst()))
    }

    private static func fields(
        of kind: Kind, in lines: ArraySlice<[String]>
    ) throws(KeyFileFlaw) -> [Field: String] {
        var values: [Field: String] = [:]
        for line in lines {
            guard line.count == 2, let field = Field(rawValue: line[0]), kind.fields.contains(field) else {
                throw .unexpectedLine(line[0])
            }
            guard values.updateValue(line[1], forKey: field) == nil else { throw .twice(field.rawValue) }
        }
        if let missing = kind.fields.first(where: { values[$0] == nil }) { throw .missing(missing.rawValue) }
        return values
    }

    private init(_ kind: Kind, _ values: [Field: String]) throws(KeyFileFlaw) {
        func publicKey(_ field: Field) throws(KeyFileFlaw) -> PublicKey {
            guard let key = PublicKey(z85: values[field] ?? "") else { throw .malformed(field.rawValue) }
            return key
        }
        func pair() throws(KeyFileFlaw) -> KeyPair {
            let publicKey = try publicKey(.publicKey)
            guard let secret = SecretKey(z85: values[.secretKey] ?? "") else { throw .malformed("secret") }
            guard let pair = KeyPair(publicKey: publicKey, secretKey: secret) else { throw .noPair }
            return pair
        }
        switch kind {
        case .coordinatorSecret: self = .coordinatorSecret(try pair())
        case .coordinatorPublic: self = .coordinatorPublic(try publicKey(.publicKey))
        case .workerSecret: self = .workerSecret(ClientKeys(own: try pair(), server: try publicKey(.coordinator)))
        case .workerPublic: self = .workerPublic(try publicKey(.publicKey))
        }
    }
}

/// What is wrong with the content of a key file. No case holds what a secret might be.
enum KeyFileFlaw: Error, Equatable {
    case empty
    case noKeyFile
    case otherVersion(String)
    case unknownKind(String)
    case unexpectedLine(String)
    case twice(String)
    case missing(String)
    case malformed(String)
    /// The public key is not that of the secret one.
    case noPair
    /// A key file, but not of the kind that belongs here.
    case otherKind(found: KeyFile.Kind, wanted: KeyFile.Kind)
}

extension KeyFileFlaw: CustomStringConvertible {
    var description: String {
        let again = "copy it again, or make new keys with siamese keygen"
        return switch self {
        case .empty: "is empty: \(again)"
        case .noKeyFile: "is no key file of siamese: its first line should be 'siamese-key 1 KIND'"
        case .otherVersion(let version):
            "is a key file of version '\(version.prefix(16))', and this program reads version 1: install the same program "
                + "on all machines"
        case .unknownKind(let kind): "holds a key of the unknown kind '\(kind.prefix(32))': \(again)"
        case .unexpectedLine: "has a line that does not belong there: \(again)"
        case .twice(let field): "has two lines '\(field)': \(again)"
        case .missing(let field): "has no line '\(field)': it is cut off; \(again)"
        case .malformed(let field): "has a line '\(field)' that is no key (40 characters of Z85): \(again)"
        case .noPair: "holds a public key that does not belong to its secret one: \(again)"
        case .otherKind(let found, let wanted): "is \(found.name), and \(wanted.name) is needed here"
        }
    }
}

/// A key file that cannot be used.
package enum KeyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Its path, and what is wrong.
    case flawed(path: String, String)
    case unreadable(PrivateFileError)
    /// Neither a file nor a folder is missing, but no key in it.
    case nobodyAdmitted(folder: String)
    case badName(path: String)
    case sameKey(path: String, other: String)
    case exposed(path: String, to: Exposure)
    case noFolder(path: String)

    package var description: String {
        switch self {
        case .flawed(let path, let flaw): "\(path) \(flaw)"
        case .unreadable(let error): "\(error)"
        case .nobodyAdmitted(let folder):
            "\(folder) has no key (NAME.pub), so no worker could come in: make one with siamese keygen"
        case .badName(let path):
            "\(path): the name of a key has 1 to 64 letters, digits, '-', '_' or '.', and begins with a letter or digit"
        case .sameKey(let path, let other):
            "\(path) holds the same key as \(other): every worker has its own, so that one can be revoked"
        case .exposed(let path, .everybody):
            "everybody on this machine may write to \(path), and so let anybody in. Run  chmod o-w \(path)"
        case .exposed(let path, .owner(let user)):
            "\(path) belongs to user \(user), who may change it, and so let anybody in. Keys belong to root or to the user of this "
                + "process: run  chown $(id -u) \(path)  as whoever may"
        case .noFolder(let path):
            "\(path) is no folder that can be read. Make keys with  siamese keygen, and give its folder"
        }
    }
}
