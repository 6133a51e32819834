// Everything that can go wrong between a dataset's name and its pixels, each with its remedy. Sampling has errors of its
// own (`SamplerError`).
package import Storage

/// A file whose bytes are not what they must be.
package struct MalformedFile: Error, Hashable, Sendable, CustomStringConvertible {
    package let path: String
    /// Where, counted from 0: in the decompressed bytes if `isDecompressed`, else in the file.
    package let offset: Int
    package let isDecompressed: Bool
    /// What is wrong there and what to do, as sentences.
    package let problem: String

    package var description: String {
        "\(path), byte \(offset)\(isDecompressed ? " after decompression" : ""): \(problem)"
    }
}

/// A dataset could not be loaded.
package enum DatasetError: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed(MalformedFile)
    case unreadable(FileError)
    /// A folder that was named by the user lacks `file`; `folders` are all that were looked through.
    case missingFile(DatasetName, file: DatasetFile, option: String, folders: [String])
    case countsDiffer(imagesPath: String, images: Int, labelsPath: String, labels: Int)
    /// Neither found nor fetched. `trail`: each place with the reason, in the order they were tried.
    case notFound(CatalogueSummary, trail: [String])

    package var description: String {
        switch self {
        case .malformed(let file): "\(file)"
        case .unreadable(let error): "\(error)"
        case .missingFile(let name, let file, let option, let folders):
            """
            \(option) has no readable \(file.rawValue) or \(file.rawValue).gz of \(name.rawValue) \
            (looked in \(folders.joined(separator: ", "))). Name the folder that holds the four IDX files.
            """
        case .countsDiffer(let imagesPath, let images, let labelsPath, let labels):
            """
            \(imagesPath) holds \(images) images but \(labelsPath) holds \(labels) labels: \
            they do not belong together. Fetch both files again from the same source.
            """
        case .notFound(let dataset, let trail):
            "\(dataset.name.rawValue) was not found. Tried: \(trail.joined(separator: "; ")). \(dataset.remedy)"
        }
    }
}

/// What an error has to say of a catalogue entry.
package struct CatalogueSummary: Hashable, Sendable {
    package let name: DatasetName
    let debianPackage: String?
    let addresses: [String]

    init(_ entry: CatalogueEntry) {
        name = entry.name
        debianPackage = entry.debianPackage
        let mirror = entry.mirrors.first ?? ""
        addresses = DatasetFile.allCases.map { mirror + $0.rawValue + ".gz" }
    }

    var remedy: String {
        let package = debianPackage.map { "Run `apt-get install \($0)`, or fetch" } ?? "Fetch"
        return "\(package) \(addresses.joined(separator: " ")) into a folder and name it with --data."
    }
}
