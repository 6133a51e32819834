// How those who use a run afterwards find its files and read its run.json. What they make of them is in FinishedRun and TrainedModel.
internal import Artifacts
internal import Storage

/// The one file of a run in a folder, of those whose names end in `suffix`.
func onlyFile(_ suffix: String, in folder: String) throws(RunFailure) -> String {
    let names: [String]
    do { names = try readNames(inFolder: folder) } catch { throw RunFailure(.badData, "\(error)") }
    let fitting = names.filter { $0.hasSuffix("-" + suffix) && !$0.hasPrefix(".") }
    guard let name = fitting.first else {
        throw RunFailure(
            .badData, "there is no …-\(suffix) in \(folder): name the folder of a finished run, or the file itself")
    }
    guard fitting.count == 1 else {
        throw RunFailure(
            .badData, "there are several runs in \(folder); name one: \(fitting.joined(separator: ", "))")
    }
    return folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
}

/// The bytes of a run.json.
func readReport(_ path: String) throws(RunFailure) -> [UInt8] {
    do { return try readFile(at: path, atMost: 1 << 26) } catch { throw RunFailure(.badData, "\(error)") }
}

/// What a run.json says.
///
/// - Parameter remedy: what to do where it is none, as a sentence without its period
func parseReport(_ bytes: [UInt8], of path: String, remedy: String) throws(RunFailure) -> JSONValue {
    do { return try JSONValue(parsing: bytes) } catch {
        throw RunFailure(.badData, "\(path) is damaged, byte \(error.offset): \(error.reason). \(remedy)")
    }
}

extension JSONValue {
    /// Of the configuration in a run.json: the classes that the run left out.
    var excludedClasses: [UInt8] {
        (self["exclude_classes"]?.array ?? []).compactMap(\.integer).compactMap(UInt8.init(exactly:))
    }
}
