// `siamese keygen`: makes the keys of a cluster, or more of them for workers that come later. Never overwrites one.
internal import Messaging
internal import Storage

/// What `makeKeys` has made.
package struct MadeKeys: Equatable, Sendable {
    /// The folder, as it was given, without a slash at its end.
    package let folder: String
    /// False if the coordinator had its key already.
    package let isNewCoordinator: Bool
    package let workers: [String]

    package func workerKey(_ name: String) -> String { KeyFolder(folder).workerKey(name) }
    package var coordinatorKey: String { KeyFolder(folder).coordinatorKey }
    package var admitted: String { KeyFolder(folder).admitted }
}

/// Makes a key for each name, and the coordinator's if `folder` has none yet.
///
/// Looks at everything first: if there is a name that has a key already, nothing is written.
package func makeKeys(in path: String, names: [String]) throws(RunFailure) -> MadeKeys {
    let folder = KeyFolder(path)
    try requireNewNames(names, in: folder)
    do {
        try createFolder(at: folder.path, mode: 0o700)
        for subfolder in [folder.workers, folder.admitted] { try createFolder(at: subfolder, mode: 0o700) }
        let isNew = sizeOfFile(at: folder.coordinatorKey) == nil
        let coordinator = isNew ? try makeCoordinatorKeys(in: folder) : try coordinatorKey(of: folder)
        for name in names { try makeWorkerKeys(name, coordinator: coordinator, in: folder) }
        return MadeKeys(folder: folder.path, isNewCoordinator: isNew, workers: names)
    } catch {
        throw RunFailure(error)
    }
}

private func requireNewNames(_ names: [String], in folder: KeyFolder) throws(RunFailure) {
    for (index, name) in names.enumerated() {
        guard KeyFolder.isName(name) else {
            throw RunFailure(.badConfiguration, "\(KeyError.badName(path: "'\(name)'"))")
        }
        guard !names[..<index].contains(name) else { throw RunFailure(.badConfiguration, "'\(name)' is named twice") }
        for path in [folder.workerKey(name), folder.workerPublic(name)] where sizeOfFile(at: path) != nil {
            throw RunFailure(
                .cannotCreateOutput,
                "\(path) is there already, and keys are never overwritten. Give new workers other names (--names), or "
                    + "remove both files of '\(name)' to make its key anew")
        }
    }
}

private func coordinatorKey(of folder: KeyFolder) throws(KeyError) -> PublicKey {
    guard case .coordinatorSecret(let pair) = try readSecret(folder.coordinatorKey, .coordinatorSecret) else {
        preconditionFailure("the kind was just checked")
    }
    return pair.publicKey
}

private func makeCoordinatorKeys(in folder: KeyFolder) throws -> PublicKey {
    let pair = try KeyPair.generate()
    let secret = KeyFile.coordinatorSecret(pair).encoded(comment: [
        "The coordinator's key. SECRET: who has it can pretend to be the coordinator.",
        "It stays on the coordinator's machine, at mode 0600.",
    ])
    let shared = KeyFile.coordinatorPublic(pair.publicKey).encoded(comment: [
        "The coordinator's public key; a copy of it is in every worker's key. No secret."
    ])
    try createFile(at: folder.coordinatorKey, with: secret)
    try createFile(at: folder.coordinatorPublic, with: shared, mode: 0o644)
    return pair.publicKey
}

/// First the secret: a public key without one would admit nobody, but one that is missing can be made out of it by hand.
private func makeWorkerKeys(_ name: String, coordinator: PublicKey, in folder: KeyFolder) throws {
    let pair = try KeyPair.generate()
    let secret = KeyFile.workerSecret(ClientKeys(own: pair, server: coordinator)).encoded(comment: [
        "The key of worker \(name). SECRET: who has it can work as \(name).",
        "It belongs on that machine only, at mode 0600:  siamese worker --key FILE",
    ])
    let shared = KeyFile.workerPublic(pair.publicKey).encoded(comment: [
        "Lets worker \(name) in. To lock it out: remove this file, and send the coordinator SIGHUP."
    ])
    try createFile(at: folder.workerKey(name), with: secret)
    try createFile(at: folder.workerPublic(name), with: shared, mode: 0o644)
}
