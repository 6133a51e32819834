// The four files of one folder, read, decoded and compared with the catalogue.
import Storage

/// The contents of a complete folder.
struct DecodedFiles {
    private let folder: String
    private let paths: FourFiles<String>
    private let contents: FourFiles<IDXContent>

    init(folder: String, paths: FourFiles<String>) throws(DatasetError) {
        self.folder = folder
        self.paths = paths
        contents = try FourFiles { (file) throws(DatasetError) in try decodeFile(at: paths[file], kind: file.kind) }
    }

    /// The files whose bytes are not the published ones.
    func differing(from entry: CatalogueEntry) -> [DatasetFile] {
        DatasetFile.allCases.filter { contents[$0].digest.description != entry.checksums[$0] }
    }

    /// One line on data that is not the published `entry`; nil if it is.
    func difference(from entry: CatalogueEntry) -> String? {
        let differing = differing(from: entry)
        guard !differing.isEmpty else { return nil }
        let others = DatasetName.allCases.filter { $0 != entry.name }
        if let other = others.first(where: { self.differing(from: .published($0)).isEmpty }) {
            return "\(folder) holds \(other.rawValue), not \(entry.name.rawValue)"
        }
        let list = differing.map { "\($0.rawValue) (SHA-256 \(contents[$0].digest))" }.joined(separator: ", ")
        return "\(folder) differs from the published \(entry.name.rawValue) in \(list)"
    }

    func dataset(_ name: DatasetName, notes: [String]) throws(DatasetError) -> Dataset {
        var hash = SHA256()
        for file in DatasetFile.allCases { hash.update(contents[file].digest.bytes) }
        return Dataset(
            name: name, train: try imageSet(.trainImages, .trainLabels), test: try imageSet(.testImages, .testLabels),
            digest: hash.finish(), origin: folder, notes: notes)
    }

    private func imageSet(_ images: DatasetFile, _ labels: DatasetFile) throws(DatasetError) -> ImageSet {
        guard contents[images].count == contents[labels].count else {
            throw .countsDiffer(
                imagesPath: paths[images], images: contents[images].count,
                labelsPath: paths[labels], labels: contents[labels].count)
        }
        return ImageSet(pixels: contents[images].payload, labels: contents[labels].payload)
    }
}

/// Reads and decodes an IDX file; gzipped if its name ends in `.gz`.
func decodeFile(at path: String, kind: IDXKind) throws(DatasetError) -> IDXContent {
    try decodeFile(at: path, kind: kind, isCompressed: path.hasSuffix(".gz"))
}

func decodeFile(at path: String, kind: IDXKind, isCompressed: Bool) throws(DatasetError) -> IDXContent {
    let file: [UInt8]
    do {
        file = try readFile(at: path, atMost: kind.greatestFileSize)
    } catch {
        throw .unreadable(error)
    }
    do {
        return try decodeIDX(kind, file: file, path: path, isCompressed: isCompressed)
    } catch {
        throw .malformed(error)
    }
}
