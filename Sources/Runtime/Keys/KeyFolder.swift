// Where keys lie, and how they are read from there: `DIR/coordinator.key`, `DIR/admitted/NAME.pub`, and, on a worker's machine, one
// file. Writing them is `KeyMaker`'s.
package import Messaging
internal import Storage

/// The paths of a folder of keys.
struct KeyFolder {
    let path: String

    init(_ path: String) {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    var coordinatorKey: String { "\(path)/coordinator.key" }
    var coordinatorPublic: String { "\(path)/coordinator.pub" }
    var workers: String { "\(path)/workers" }
    var admitted: String { "\(path)/admitted" }

    func workerKey(_ name: String) -> String { "\(workers)/\(name).key" }
    func workerPublic(_ name: String) -> String { "\(admitted)/\(name)\(Self.publicSuffix)" }

    static let publicSuffix = ".pub"

    /// Names are shown in messages and are names of files.
    static func isName(_ text: String) -> Bool {
        guard (1...64).contains(text.utf8.count), let first = text.utf8.first else { return false }
        return isAlphanumeric(first) && text.utf8.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}

extension ClientKeys {
    /// The key of a worker, from its one file.
    package init(readingFrom path: String) throws(KeyError) {
        guard case .workerSecret(let keys) = try readSecret(path, .workerSecret) else {
            preconditionFailure("the kind was just checked")
        }
        self = keys
    }
}

/// What a coordinator (or a relay, towards its workers) needs to open its door.
package struct ServerKeys: Equatable, Sendable {
    package let pair: KeyPair
    package private(set) var admitted: AdmittedKeys
    private let folder: String

    /// Reads `coordinator.key` and everything in `admitted`; whatever is wrong with any of it is an error.
    package init(readingFrom path: String) throws(KeyError) {
        let folder = KeyFolder(path)
        guard isFolder(folder.path) else { throw .noFolder(path: folder.path) }
        try requireUnexposed(folder.path)
        try requireUnexposed(folder.coordinatorKey)
        guard case .coordinatorSecret(let pair) = try readSecret(folder.coordinatorKey, .coordinatorSecret) else {
            preconditionFailure("the kind was just checked")
        }
        let admission = try Admission(readingFrom: folder.admitted, present: AdmittedKeys())
        if let problem = admission.problems.first { throw problem }
        guard admission.keys.count > 0 else { throw .nobodyAdmitted(folder: folder.admitted) }
        self.pair = pair
        self.folder = folder.path
        admitted = admission.keys
    }

    /// Reads the folder of the admitted again. A key whose file is gone is not admitted any more; one whose file cannot be read
    /// just now stays as it was, so that a half-copied file cuts nobody off.
    ///
    /// - Returns: what is wrong with single files; empty if all is well
    /// - Throws: if the folder cannot be read, or trusted; nothing changes
    package mutating func rereadAdmitted() throws(KeyError) -> [KeyError] {
        try requireUnexposed(folder)
        let admission = try Admission(readingFrom: KeyFolder(folder).admitted, present: admitted)
        admitted = admission.keys
        return admission.problems
    }
}

/// Everything in a folder of admitted keys.
private struct Admission {
    var keys: AdmittedKeys
    var problems: [KeyError] = []

    /// - Parameter present: who keeps its key if its file is there and cannot be read
    init(readingFrom folder: String, present: AdmittedKeys) throws(KeyError) {
        guard isFolder(folder), isReadable(folder) else { throw .noFolder(path: folder) }
        try requireUnexposed(folder)
        let files: [String]
        // A folder that cannot be read is not an empty one: that would lock everybody out.
        do { files = try readNames(inFolder: folder) } catch { throw .unreadable(.file(error)) }
        var names: [PublicKey: String] = [:]
        for file in files where file.hasSuffix(KeyFolder.publicSuffix) && !file.hasPrefix(".") {
            let path = "\(folder)/\(file)"
            let name = String(file.dropLast(KeyFolder.publicSuffix.count))
            do throws(KeyError) {
                let key = try Self.key(at: path, name)
                if let other = names[key] { throw .sameKey(path: path, other: "\(other)\(KeyFolder.publicSuffix)") }
                names[key] = name
            } catch {
                problems.append(error)
                if let kept = present.key(named: name), names[kept] == nil { names[kept] = name }
            }
        }
        keys = AdmittedKeys(names)
    }

    private static func key(at path: String, _ name: String) throws(KeyError) -> PublicKey {
        guard KeyFolder.isName(name) else { throw .badName(path: path) }
        try requireUnexposed(path)
        let bytes: [UInt8]
        do { bytes = try readFile(at: path, atMost: KeyFile.largestSize) } catch { throw .unreadable(.file(error)) }
        guard case .workerPublic(let key) = try decode(bytes, at: path, .workerPublic) else {
            preconditionFailure("the kind was just checked")
        }
        return key
    }
}

/// Whoever can change a folder of keys, or what lies in it, decides who comes in.
private func requireUnexposed(_ path: String) throws(KeyError) {
    if let exposure = Exposure(of: path) { throw .exposed(path: path, to: exposure) }
}

/// A key file that only its owner may read, of the kind that is wanted.
func readSecret(_ path: String, _ wanted: KeyFile.Kind) throws(KeyError) -> KeyFile {
    let bytes: [UInt8]
    do { bytes = try readPrivateFile(at: path, atMost: KeyFile.largestSize) } catch { throw .unreadable(error) }
    return try decode(bytes, at: path, wanted)
}

private func decode(_ bytes: [UInt8], at path: String, _ wanted: KeyFile.Kind) throws(KeyError) -> KeyFile {
    do throws(KeyFileFlaw) {
        let file = try KeyFile(decoding: bytes)
        guard file.kind == wanted else { throw .otherKind(found: file.kind, wanted: wanted) }
        return file
    } catch {
        throw .flawed(path: path, "\(error)")
    }
}
