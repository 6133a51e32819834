// Fetches the files of a dataset into the cache. A cut download is taken up where it stopped, a mirror that fails is
// followed by the next, and nothing enters the cache unchecked. The transfer itself is in CurlTransfer.swift.
import Storage

/// Fetches files, each from the first mirror that has the right bytes.
package struct Downloader: Sendable {
    /// How long to wait for what; no wait is endless.
    package struct Deadlines: Sendable {
        /// Seconds until a connection stands.
        package var connect = 15
        /// Seconds with less than a kilobyte per second before a transfer is given up.
        package var stall = 30
        /// Seconds for one file in all.
        package var file = 3600

        package init() {}
    }

    /// Why a dataset could not be fetched: a reason for each thing that was tried.
    struct Failure: Error {
        let reasons: [String]
    }

    private let environment: [String: String]
    private let showsProgress: Bool
    private let deadlines: Deadlines
    private let isCancelled: @Sendable () -> Bool

    /// - Parameters:
    ///   - environment: for PATH, in which curl is looked for, and the variables that name a proxy.
    ///   - showsProgress: a bar on standard error (when that is a terminal).
    ///   - isCancelled: asked ten times a second; when it says yes, the transfer ends and the fetch fails.
    package init(
        environment: [String: String], showsProgress: Bool, deadlines: Deadlines = Deadlines(),
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) {
        self.environment = environment
        self.showsProgress = showsProgress
        self.deadlines = deadlines
        self.isCancelled = isCancelled
    }

    /// Brings all four files, as published, into `folder`. Files that are already there and right are left alone.
    func fetch(_ entry: CatalogueEntry, into folder: String) throws(Failure) {
        let directories = (environment["PATH"] ?? "").split(separator: ":")
        guard let program = directories.map({ "\($0)/curl" }).first(where: isReadable) else {
            throw Failure(reasons: ["download: there is no program curl (apt-get install curl)"])
        }
        let curl = CurlTransfer(
            program: program, environment: environment, showsProgress: showsProgress, deadlines: deadlines,
            isCancelled: isCancelled)
        do {
            try createFolder(at: folder)
            let lock = try FileLock(path: "\(folder)/.lock")
            for file in DatasetFile.allCases {
                let target = DownloadTarget(file, checksum: entry.checksums[file], folder: folder)
                try target.fetch(from: entry.mirrors.map { $0 + file.rawValue + ".gz" }, with: curl)
            }
            lock.release()
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(reasons: ["download: \(error)"])
        }
    }
}

/// One file on its way into the cache.
private struct DownloadTarget {
    private static let greatestAttempts = 10

    private let kind: IDXKind
    private let checksum: String
    private let path: String
    /// What has come so far. Survives a kill.
    private let part: String

    init(_ file: DatasetFile, checksum: String, folder: String) {
        kind = file.kind
        self.checksum = checksum
        path = "\(folder)/\(file.rawValue).gz"
        part = path + ".part"
    }

    func fetch(from addresses: [String], with curl: CurlTransfer) throws {
        let plain = String(path.dropLast(".gz".count))
        if isRight(plain) { return }
        // A wrong file without .gz would be found first, and found wrong, again and again.
        removeFile(at: plain)
        if isRight(path) { return }
        // A killed process may have left the whole file.
        if isRight(part) { return try moveIntoPlace(part, at: path) }
        var reasons: [String] = []
        for address in addresses {
            switch attempt(address, with: curl) {
            case .success: return try moveIntoPlace(part, at: path)
            case .failure(let refusal): reasons.append("\(address): \(refusal.reason)")
            }
        }
        throw Downloader.Failure(reasons: reasons)
    }

    private struct Refusal: Error {
        let reason: String
    }

    /// Tries one mirror for as long as each try brings the part forward. Success: the part is the whole, right file.
    private func attempt(_ address: String, with curl: CurlTransfer) -> Result<Void, Refusal> {
        for _ in 1...DownloadTarget.greatestAttempts {
            if curl.isCancelled() { return .failure(Refusal(reason: "was stopped")) }
            let before = sizeOfFile(at: part) ?? 0
            let outcome = curl.fetch(address, to: part)
            switch outcome {
            case .complete where isRight(part): return .success(())
            case .complete, .notResumable:
                // The part may have been of another mirror's file: once more from the start.
                removeFile(at: part)
                if before == 0 { return .failure(Refusal(reason: "has other content (the SHA-256 differs)")) }
            case .failed(let reason): return .failure(Refusal(reason: reason))
            case .cut(let reason):
                guard sizeOfFile(at: part) ?? 0 > before else { return .failure(Refusal(reason: reason)) }
            }
        }
        return .failure(Refusal(reason: "was cut off \(DownloadTarget.greatestAttempts) times"))
    }

    /// Whether the file is there and decompresses to the published bytes.
    private func isRight(_ candidate: String) -> Bool {
        let isCompressed = candidate.hasPrefix(path)
        let content = try? decodeFile(at: candidate, kind: kind, isCompressed: isCompressed)
        return content?.digest.description == checksum
    }
}
