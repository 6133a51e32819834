// Datasets that are missing or damaged: refused before anything is written, with file and offset.
import Testing

/// A way to spoil one file of the dataset, and words of the answer.
struct Damage: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let file: String
    let words: [String]
    let spoil: @Sendable ([UInt8]) -> [UInt8]

    init(_ name: String, _ file: String, _ words: String..., spoil: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        (testDescription, self.file, self.words, self.spoil) = (name, file, words, spoil)
    }
}

private let images = "train-images-idx3-ubyte"
private let labels = "train-labels-idx1-ubyte"

extension EndToEnd {
    @Suite struct BadData {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        @Test(arguments: [
            Damage("magic", images, "byte 0", "magic 2055") { replaced($0, at: 3, by: 7) },
            Damage("gzip without .gz", images, "byte 0", "gzipped") { [0x1f, 0x8b] + $0.dropFirst(2) },
            Damage("truncated", images, "byte 1000", "ends here") { Array($0.prefix(1000)) },
            Damage("header cut", labels, "byte 5", "header") { Array($0.prefix(5)) },
            Damage("empty", images, "byte 0", "header") { _ in [] },
            Damage("trailing bytes", labels, "byte 608", "after the announced") { $0 + [0] },
            Damage("huge count", images, "byte 4", "announced") { replaced($0, at: 4, by: 0x7f) },
            Damage("not 28 x 28", images, "byte 8", "28×28") { replaced($0, at: 11, by: 32) },
            Damage("label out of range", labels, "byte 18", "label 10") { replaced($0, at: 18, by: 10) },
            Damage("other labels", labels, "600 images", "599 labels") {
                SyntheticData.labelHeader(count: 599) + $0.dropFirst(9)
            },
            Damage("one class", labels, "class 3") {
                SyntheticData.labelHeader(count: 600) + $0.dropFirst(8).map { _ in 3 }
            },
        ])
        func aDamagedFileIsNamed(damage: Damage) throws {
            try workspace.write(damage.spoil(workspace.read("data/\(damage.file)")), to: "data/\(damage.file)")
            let needsFile = damage.testDescription != "one class"
            try expectRefusal(
                ["train"] + training("siamese-contrastive", in: workspace), in: workspace, code: 65,
                naming: damage.words + (needsFile ? ["\(workspace.data)/\(damage.file)"] : []))
        }

        @Test func aFolderWithoutDataIsNamed() throws {
            var arguments = ["train"] + training("triplet", in: workspace)
            arguments[4] = "\(workspace.path)/nowhere"
            try expectRefusal(
                arguments, in: workspace, code: 65, naming: ["\(workspace.path)/nowhere", "four IDX files"])
        }

        @Test func aMissingFileIsNamed() throws {
            try workspace.remove("data/t10k-labels-idx1-ubyte")
            try expectRefusal(
                ["train"] + training("triplet", in: workspace), in: workspace, code: 65,
                naming: ["t10k-labels-idx1-ubyte", workspace.data])
        }

        @Test func aCoordinatorRefusesBadDataToo() throws {
            try workspace.remove("data/t10k-labels-idx1-ubyte")
            let outcome = try run(
                ["coordinator"] + training("triplet", in: workspace, "--listen", "tcp://127.0.0.1:0"), in: workspace)
            #expect(outcome.code == 65)
            #expect(outcome.errorLines.last?.hasPrefix("siamese: ") == true)
            #expect(workspace.names(in: "output").isEmpty)
        }
    }
}

private func replaced(_ bytes: [UInt8], at index: Int, by value: UInt8) -> [UInt8] {
    var bytes = bytes
    bytes[index] = value
    return bytes
}
