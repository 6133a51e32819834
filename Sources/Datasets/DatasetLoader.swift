// From a dataset's name to its checked pixels: looks through the places in order, then asks the mirrors. The decisions
// are here; reading is in DecodedFiles.swift, fetching in Downloader.swift.
import Storage

/// Finds, checks and decodes one dataset.
package struct DatasetLoader: Sendable {
    private let entry: CatalogueEntry
    private let places: DatasetPlaces
    private let downloader: Downloader

    package init(_ entry: CatalogueEntry, places: DatasetPlaces, downloader: Downloader) {
        self.entry = entry
        self.places = places
        self.downloader = downloader
    }

    /// Takes a good part of a second for 70,000 gzipped images; longer only when they are downloaded.
    package func load() throws(DatasetError) -> Dataset {
        if let root = places.data { return try loadNamed(root, option: "--data \(root)") }
        var trail = Trail()
        if let root = places.environmentData {
            let option = "$SIAMESE_DATA (\(root))"
            // A folder with half a dataset is a mistake to be told; one with none of it just holds others.
            if DatasetFolder.candidates(in: root, for: entry.name).contains(where: \.hasSome) {
                return try loadNamed(root, option: option)
            }
            trail.lacks("\(option): nothing of it there")
        }
        for folder in publishedFolders {
            if let dataset = loadPublished(folder, trail: &trail) { return dataset }
        }
        return try fetch(trail: &trail)
    }

    /// The cache, then /usr/share/datasets/NAME in any spelling.
    private var publishedFolders: [DatasetFolder] {
        let cached = cacheFolder.map { [DatasetFolder(path: $0)] } ?? []
        let shared = DatasetFolder.named(entry.name, in: places.shared).filter(\.hasSome)
        return cached + (shared.isEmpty ? [DatasetFolder(path: "\(places.shared)/\(entry.folder)")] : shared)
    }

    private var cacheFolder: String? { places.cache.map { "\($0)/\(entry.folder)" } }

    /// The user's own folder: must be complete and well-formed, but may hold other data.
    private func loadNamed(_ root: String, option: String) throws(DatasetError) -> Dataset {
        let candidates = DatasetFolder.candidates(in: root, for: entry.name)
        for folder in candidates {
            guard case .complete(let paths) = folder.contents else { continue }
            let files = try DecodedFiles(folder: folder.path, paths: paths)
            return try files.dataset(entry.name, notes: files.difference(from: entry).map { [$0] } ?? [])
        }
        for folder in candidates {
            guard case .incomplete(let missing) = folder.contents else { continue }
            throw .missingFile(entry.name, file: missing, option: option, folders: [folder.path])
        }
        throw .missingFile(entry.name, file: .trainImages, option: option, folders: candidates.map(\.path))
    }

    /// A place that should hold the published files. Nil, with the reason in the trail, if it does not.
    private func loadPublished(_ folder: DatasetFolder, trail: inout Trail) -> Dataset? {
        switch folder.contents {
        case .nothing: trail.lacks("\(folder.path): nothing there")
        case .incomplete(let missing): trail.lacks("\(folder.path): no \(missing.rawValue)")
        case .complete(let paths):
            do {
                let files = try DecodedFiles(folder: folder.path, paths: paths)
                guard let difference = files.difference(from: entry) else {
                    return try files.dataset(entry.name, notes: trail.notes)
                }
                trail.isDamaged(difference)
            } catch {
                trail.isDamaged("\(error)")
            }
        }
        return nil
    }

    private func fetch(trail: inout Trail) throws(DatasetError) -> Dataset {
        guard let cacheFolder else {
            throw .notFound(CatalogueSummary(entry), trail: trail.reasons + ["no cache: set HOME or XDG_CACHE_HOME"])
        }
        do {
            try downloader.fetch(entry, into: cacheFolder)
        } catch {
            throw .notFound(CatalogueSummary(entry), trail: trail.reasons + error.reasons)
        }
        guard let dataset = loadPublished(DatasetFolder(path: cacheFolder), trail: &trail) else {
            throw .notFound(CatalogueSummary(entry), trail: trail.reasons)
        }
        return dataset
    }
}

/// The places passed over so far.
private struct Trail {
    /// Every place with the reason, for the case that the dataset is nowhere.
    private(set) var reasons: [String] = []
    /// Those worth telling even if the dataset is found in the end.
    private(set) var notes: [String] = []

    mutating func lacks(_ reason: String) {
        reasons.append(reason)
    }

    mutating func isDamaged(_ reason: String) {
        reasons.append(reason)
        notes.append(reason + " (passed over)")
    }
}

extension DatasetFolder {
    var hasSome: Bool {
        if case .nothing = contents { false } else { true }
    }
}
