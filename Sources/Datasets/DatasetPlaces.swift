// Where a dataset is looked for. The environment comes in as an argument; nothing is read from the process.
import Storage

/// The places, in the order in which they are asked: `data`, `environmentData`, `cache`, `shared`, then the mirrors.
package struct DatasetPlaces: Sendable {
    /// `--data`: if given, nothing else is asked.
    package var data: String?
    /// `$SIAMESE_DATA`: may hold several datasets in folders of their names.
    package var environmentData: String?
    /// `$XDG_CACHE_HOME/siamese`, else `~/.cache/siamese`; nil when neither variable names a folder.
    package var cache: String?
    /// Debian's folder.
    package var shared: String

    package init(data: String?, environment: [String: String], shared: String = "/usr/share/datasets") {
        self.data = data
        self.shared = shared
        environmentData = environment["SIAMESE_DATA"].flatMap { $0.isEmpty ? nil : $0 }
        // "All paths must be absolute. If [...] relative, ignore it" (XDG Base Directory Specification 0.8).
        if let folder = environment["XDG_CACHE_HOME"], folder.hasPrefix("/") {
            cache = folder + "/siamese"
        } else if let home = environment["HOME"], home.hasPrefix("/") {
            cache = home + "/.cache/siamese"
        }
    }
}

/// What a folder has of a dataset's four files, each with or without `.gz`.
struct DatasetFolder {
    enum Contents {
        case complete(FourFiles<String>)
        /// Some of the four are there, but not this one.
        case incomplete(missing: DatasetFile)
        case nothing
    }

    let path: String
    let contents: Contents

    init(path: String) {
        self.path = path
        let present = DatasetFile.allCases.filter { DatasetFolder.file($0, in: path) != nil }
        do {
            contents = .complete(
                try FourFiles { (file) throws(Missing) in
                    guard let found = DatasetFolder.file(file, in: path) else { throw Missing(file: file) }
                    return found
                })
        } catch {
            contents = present.isEmpty ? .nothing : .incomplete(missing: error.file)
        }
    }

    private struct Missing: Error {
        let file: DatasetFile
    }

    private static func file(_ file: DatasetFile, in folder: String) -> String? {
        let plain = "\(folder)/\(file.rawValue)"
        return [plain, plain + ".gz"].first(where: isReadable)
    }

    /// The folders that may hold `name` when the user names `root`: those called after the dataset, then `root` itself.
    static func candidates(in root: String, for name: DatasetName) -> [DatasetFolder] {
        named(name, in: root) + withRaw(root)
    }

    /// The folders in `root` that are called after the dataset, in any case and with any separators.
    static func named(_ name: DatasetName, in root: String) -> [DatasetFolder] {
        namesInFolder(root).filter { plainName($0) == plainName(name.rawValue) }.flatMap { withRaw("\(root)/\($0)") }
    }

    /// The folder, and its subfolder `raw`, as torchvision lays it out.
    private static func withRaw(_ path: String) -> [DatasetFolder] {
        [DatasetFolder(path: path), DatasetFolder(path: path + "/raw")]
    }

    /// Letters and digits only, in lower case: "fashion-mnist" and "FashionMNIST" are one name.
    private static func plainName(_ text: String) -> String {
        text.lowercased().filter { $0.isLetter || $0.isNumber }
    }
}
