// A folder of keys in a workspace, made by the program itself, and clusters that use it.
import Testing

struct Keys {
    let folder: String
    private let workspace: Workspace

    init(in workspace: Workspace, folder: String = "keys", names: String = "a,b") throws {
        self.workspace = workspace
        self.folder = "\(workspace.path)/\(folder)"
        let outcome = try run(["keygen", self.folder, "--names", names], in: workspace)
        try #require(outcome.code == 0, "\(outcome.errors)")
    }

    func worker(_ name: String) -> String { "\(folder)/workers/\(name).key" }
    func admitted(_ name: String) -> String { "\(folder)/admitted/\(name).pub" }

    /// The key of worker `name`, made for the coordinator of `other`.
    func workerKey(_ name: String, forCoordinatorOf other: Keys) throws -> String {
        let lines = try ["siamese-key", "public", "secret"].map { try line($0, of: worker(name)) }
        let path = "mixed-\(name)-\(folder.hashValue).key"
        try workspace.write(
            Array((lines + [line("coordinator", of: other.worker(name))]).joined(separator: "\n").utf8), to: path)
        try workspace.protect(path)
        return "\(workspace.path)/\(path)"
    }

    private func line(_ field: String, of path: String) throws -> String {
        let text = String(decoding: try workspace.read(String(path.dropFirst(workspace.path.count + 1))), as: UTF8.self)
        return try #require(text.split(separator: "\n").first { $0.hasPrefix(field) }.map(String.init))
    }
}
