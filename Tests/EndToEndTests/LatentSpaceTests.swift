// `evaluate`, `embed` and `search` as a user runs them, on a model that was trained on the synthetic data.
import Artifacts
import Glibc
import Testing

extension EndToEnd {
    @Suite struct LatentSpaces {
        let workspace: Workspace
        private let model: String

        init() throws {
            workspace = try Workspace()
            let outcome = try run(
                ["train"] + training("triplet", in: workspace, steps: 120, "--workers", "0"), in: workspace)
            _ = try outcome.modelDigest()
            model = "\(workspace.output)/triplet-FashionMNIST-model.safetensors"
        }

        private func arguments(_ command: String, _ more: String...) -> [String] {
            [command, model, "FashionMNIST", "--data", workspace.data] + more
        }

        private func json(_ arguments: [String]) throws -> JSONValue {
            let outcome = try run(arguments, in: workspace)
            try #require(outcome.code == 0, "\(outcome.errors)")
            return try JSONValue(parsing: Array(outcome.output.utf8))
        }

        @Test func evaluateMeasuresAndDraws() throws {
            let outcome = try run(arguments("evaluate"), in: workspace)
            #expect(outcome.code == 0, "\(outcome.errors)")
            for word in ["k-NN accuracy", "MAP@R", "area under the ROC", "AMI", "linear probe", "5 ways", "Sneaker"] {
                #expect(outcome.output.contains(word), "\(outcome.output)")
            }
            #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 80 || $0.hasPrefix("picture ") })
            for name in ["confusion-matrix.png", "roc.png"] {
                #expect(workspace.names(in: "output").contains("triplet-FashionMNIST-\(name)"))
            }
            let one = try json(arguments("evaluate", "--json", "--no-pictures", "--threads", "1"))
            let accuracy = try #require(one["knn"]?["accuracy"]?.number)
            // A tenth by guessing.
            #expect(accuracy > 0.3)
            #expect(one["retrieval"]?["queries"]?.integer == SyntheticData.testImages)
            var three = try json(arguments("evaluate", "--json", "--no-pictures", "--threads", "3"))
            three["seconds"] = one["seconds"]
            #expect(three == one, "threads change nothing")
        }

        @Test func evaluateClassesAndOneSet() throws {
            let some = try json(
                arguments("evaluate", "--json", "--no-pictures", "--classes", "9,7,8", "--ways", "3", "--shots", "2"))
            #expect(some["classes"]?.array?.compactMap(\.integer) == [7, 8, 9])
            #expect(some["few_shot"]?["ways"]?.integer == 3)
            let same = try json(arguments("evaluate", "--json", "--no-pictures", "--references", "test"))
            let pairs = ["positive_pairs", "negative_pairs"].compactMap { same["verification"]?[$0]?.integer }
            #expect(pairs.reduce(0, +) == SyntheticData.testImages * (SyntheticData.testImages - 1))
        }

        @Test func embedWritesEveryFormat() throws {
            let folder = "\(workspace.path)/vectors"
            for (format, files) in [
                ("npy", ["test-labels.npy", "test-vectors.npy"]), ("csv", ["test-vectors.csv"]),
                ("jsonl", ["test-vectors.jsonl"]),
                ("projector", ["metadata.tsv", "projector_config.pbtxt", "sprite.png", "tensors.tsv"]),
            ] {
                let outcome = try run(arguments("embed", "--output", folder, "--format", format), in: workspace)
                #expect(outcome.code == 0, "\(outcome.errors)")
                for file in files { #expect(workspace.names(in: "vectors").contains(file)) }
            }
            let count = SyntheticData.testImages
            let npy = try workspace.read("vectors/test-vectors.npy")
            #expect(npy.starts(with: [0x93] + Array("NUMPY".utf8)) && npy.count == 128 + count * 2 * 4)
            let lines = String(decoding: try workspace.read("vectors/test-vectors.jsonl"), as: UTF8.self)
                .split(separator: "\n")
            #expect(lines.count == count)
            let first = try JSONValue(parsing: Array(try #require(lines.first).utf8))
            // The same number in three of the files.
            let value = try #require(first["vector"]?.array?.first?.number)
            let bits = npy[128..<132].enumerated().reduce(UInt32(0)) {
                $0 | UInt32($1.element) << (8 * UInt32($1.offset))
            }
            #expect(Float(value) == Float(bitPattern: bits))
            let row = String(decoding: try workspace.read("vectors/tensors.tsv"), as: UTF8.self).split(separator: "\n")
            #expect(row.count == count && Float(row[0].split(separator: "\t")[0]) == Float(value))
            let sprite = try GreyImage(png: workspace.read("vectors/sprite.png"), file: "sprite.png")
            #expect(sprite.width == 15 * 28 && sprite.height == 15 * 28)
        }

        @Test func searchFindsTheSameWithAnIndexAndByPicture() throws {
            let index = "\(workspace.path)/vectors.index"
            func hits(_ more: [String]) throws -> JSONValue? {
                try json(arguments("search", "--json", "--no-picture", "--count", "4") + more)["answers"]?.array?
                    .first?["hits"]
            }
            let plain = try #require(try hits(["--query", "5"]))
            #expect(plain.array?.count == 4)
            for _ in 0..<2 { #expect(try hits(["--query", "5", "--index", index]) == plain) }
            // The same image as a file.
            let pixels = Array(try workspace.read("data/t10k-images-idx3-ubyte")[16 + 5 * 784..<16 + 6 * 784])
            try workspace.write(GreyImage(width: 28, height: 28, pixels: pixels).png(), to: "five.png")
            #expect(try hits(["--image", "\(workspace.path)/five.png", "--index", index]) == plain)
            #expect(try hits(["--folder", workspace.path, "--index", index]) == plain)
            // A query of the set that is searched does not find itself.
            let own = try #require(try hits(["--query", "5", "--references", "test"])?.array)
            #expect(!own.contains { $0["index"]?.integer == 5 })
            let outcome = try run(arguments("search", "--query", "5"), in: workspace)
            #expect(outcome.output.contains("test image 5") && outcome.output.contains("rank"))
            #expect(workspace.names(in: "output").contains("triplet-FashionMNIST-search.png"))
        }

        /// The last one alone would be silently less than was asked for.
        @Test func queriesMayBeRepeated() throws {
            func names(_ more: String...) throws -> [String]? {
                try json(arguments("search", "--json", "--no-picture", "--count", "1") + more)["answers"]?.array?
                    .compactMap { $0["query"]?.string }
            }
            #expect(
                try names("--query", "5", "--query", "7,3", "--queries", "train")
                    == ["train image 5", "train image 7", "train image 3"])
            let pixels = Array(try workspace.read("data/t10k-images-idx3-ubyte")[16..<16 + 784])
            let png = try GreyImage(width: 28, height: 28, pixels: pixels).png()
            for name in ["a", "b"] { try workspace.write(png, to: "\(name).png") }
            let paths = ["a", "b"].map { "\(workspace.path)/\($0).png" }
            #expect(try names("--image", paths[0], "--image", paths[1]) == paths)
            #expect(
                try names("--folder", workspace.path, "--folder", workspace.path + "/.") == paths
                    + ["a", "b"].map { "\(workspace.path)/./\($0).png" })
        }

        /// A shell completes a folder's name with a slash.
        @Test func aFolderMayEndInASlash() throws {
            let outcome = try run(
                ["evaluate", workspace.output + "/", "FashionMNIST", "--data", workspace.data], in: workspace)
            #expect(outcome.output.contains("picture \(workspace.output)/triplet-FashionMNIST-roc.png"))
        }

        /// With a `curl` that never ends.
        @Test(arguments: ["train", "evaluate", "embed", "search", "compare"])
        func aSignalEndsADownload(command: String) throws {
            let (output, started) = ("\(workspace.path)/other", "\(workspace.path)/started")
            try workspace.write(
                Array("#!/bin/sh\necho $$ > \(started).part\nmv \(started).part \(started)\nexec sleep 1000\n".utf8),
                to: "home/curl")
            chmod("\(workspace.path)/home/curl", 0o700)
            let arguments =
                switch command {
                case "train": ["train", "triplet", "MNIST", "--output", output, "--workers", "0"]
                case "compare": ["compare", workspace.output, "--dataset", "MNIST"]
                case "search": ["search", model, "MNIST", "--query", "1"]
                case "embed": ["embed", model, "MNIST", "--output", output]
                default: [command, model, "MNIST"]
                }
            let path = "\(workspace.path)/home:/usr/bin:/bin"
            let program = try Program(arguments, in: workspace, environment: ["PATH": path])
            try eventually("a download") { workspace.names(in: "").contains("started") }
            let curl = try #require(
                Int32(String(decoding: workspace.read("started"), as: UTF8.self).split(separator: "\n")[0]))
            program.send(SIGINT)
            expectFailure(try program.waitForEnd(), code: 130, naming: ["stopped while the dataset was read"])
            try eventually("the end of the download") { !isRunning(curl) }
        }

        @Test func aDamagedOrForeignIndexIsRefused() throws {
            let index = "\(workspace.path)/vectors.index"
            _ = try run(arguments("search", "--query", "0", "--no-picture", "--index", index), in: workspace)
            var bytes = try workspace.read("vectors.index")
            try expectRefusal(
                arguments("search", "--query", "0", "--index", index, "--distance", "cosine"), in: workspace, code: 65,
                naming: ["another --distance", "--index"])
            bytes[1000] ^= 1
            try workspace.write(bytes, to: "vectors.index")
            try expectRefusal(
                arguments("search", "--query", "0", "--index", index), in: workspace, code: 65,
                naming: ["vectors.index", "checksum", "remove"])
        }

        @Test func wrongQuestionsAreAnsweredInOneLine() throws {
            let refusals: [([String], Int32, [String])] = [
                (["evaluate", "\(workspace.path)/no", "MNIST"], 65, ["/no", "Check the path"]),
                (["evaluate", workspace.data, "MNIST"], 65, ["no …-model.safetensors"]),
                (arguments("evaluate", "--classes", "7,11"), 64, ["--classes", "'11' is no class"]),
                (arguments("evaluate", "--classes", "7,8,7"), 64, ["--classes", "class 7 is named twice"]),
                (arguments("evaluate", "--classes", ""), 64, ["--classes", "'' is no class"]),
                (arguments("search", "--query", "5,x"), 64, ["--query", "from 0 on"]),
                (arguments("search", "--query", "5", "--image", "a.png"), 64, ["Give one of"]),
                (arguments("search", "--image", "a.png", "--queries", "test"), 64, ["--queries", "--query"]),
                (
                    arguments("search", "--query", "5", "--picture", "\(workspace.path)/no/a.png"), 73,
                    ["/no/a.png: No such file"]
                ),
                (arguments("evaluate", "--ways", "1"), 64, ["--ways"]),
                (arguments("evaluate", "--shots", "900", "--ways", "2"), 65, ["--shots"]),
                (arguments("evaluate", "--output", "/proc/no"), 73, ["/proc/no"]),
                (arguments("embed", "--output", "/proc/no"), 73, ["/proc/no"]),
                (arguments("search"), 64, ["--query", "--image", "--folder"]),
                (arguments("search", "--query", "200"), 65, ["from 0 to 199"]),
                (arguments("search", "--image", model), 65, ["not a PNG file"]),
                (arguments("search", "--folder", workspace.data), 65, ["no PNG file"]),
            ]
            for (arguments, code, words) in refusals {
                try expectRefusal(arguments, in: workspace, code: code, naming: words)
            }
        }
    }
}
