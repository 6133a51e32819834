// Downloads from a local server: whole, cut, resumed, from the wrong place, from a server that stalls.
import Datasets
import Foundation
import Storage
import Testing

@Suite struct DownloadTests {
    private let folder: TemporaryFolder
    private let server: MirrorServer
    private let sample = SampleDataset(seed: 1)

    init() throws {
        folder = try TemporaryFolder()
        try sample.write(to: folder.path + "/served", compressed: true)
        server = try MirrorServer(folder: folder.path + "/served")
    }

    private var cache: String { folder.path + "/cache/siamese/fashion-mnist" }
    private static let trainImages = "train-images-idx3-ubyte.gz"

    private func load(_ mirrors: [String], path: String = "/usr/bin:/bin") throws(DatasetError) -> Dataset {
        var deadlines = Downloader.Deadlines()
        deadlines.stall = 1
        let loader = DatasetLoader(
            sample.entry(mirrors: mirrors),
            places: DatasetPlaces(
                data: nil, environment: ["XDG_CACHE_HOME": folder.path + "/cache"], shared: folder.path + "/shared"),
            downloader: Downloader(environment: ["PATH": path], showsProgress: false, deadlines: deadlines))
        return try loader.load()
    }

    /// The whole dataset is in the cache and nothing else.
    private func expectCached(_ dataset: Dataset) {
        #expect(dataset.train.pixels == sample.train.pixels)
        #expect(dataset.test.labels == sample.test.labels)
        #expect(dataset.origin == cache)
        #expect(namesInFolder(cache) == ([".lock"] + DatasetFile.allCases.map { $0.rawValue + ".gz" }).sorted())
    }

    @Test func fetchesOnceIntoTheCache() throws {
        for _ in 1...2 { expectCached(try load([server.mirror("ok")])) }
        #expect(try server.end() == DatasetFile.allCases.map { "ok \($0.rawValue).gz -" })
    }

    @Test func asksTheNextMirrorWhenOneFails() throws {
        expectCached(
            try load(["http://127.0.0.1:1/", server.mirror("missing"), server.mirror("wrong"), server.mirror("ok")]))
    }

    @Test func goesOnWhereACutTransferStopped() throws {
        let whole = try #require(sizeOfFile(at: "\(folder.path)/served/\(Self.trainImages)"))
        try #require(whole > 2 * 700)
        let error = try #require(throws: DatasetError.self) { try load([server.mirror("cut")]) }
        #expect("\(error)".contains("was cut off 10 times"))
        #expect(sizeOfFile(at: "\(cache)/\(Self.trainImages).part") == 7_000)

        expectCached(try load([server.mirror("ok")]))
        let requests = try server.end()
        let ranges = ["-", "bytes=700-", "bytes=1400-"]
        #expect(Array(requests.prefix(3)) == ranges.map { "cut \(Self.trainImages) \($0)" })
        #expect(requests.contains("ok \(Self.trainImages) bytes=7000-"))
    }

    @Test func startsOverWhereThePartIsOfNoUse() throws {
        // Longer than the file (416), of other bytes (checksum), and a server without ranges.
        for (size, manner) in [(1_000_000, "ok"), (500, "ok"), (500, "noranges")] {
            let part = "\(cache)/\(Self.trainImages).part"
            try createFolder(at: cache)
            removeFile(at: "\(cache)/\(Self.trainImages)")
            try replaceFile(at: part, with: [UInt8](repeating: 7, count: size))
            expectCached(try load([server.mirror(manner)]))
        }
    }

    @Test func aPartThatIsWholeIsTakenWithoutAsking() throws {
        try sample.write(to: cache, compressed: true)
        try moveIntoPlace("\(cache)/\(Self.trainImages)", at: "\(cache)/\(Self.trainImages).part")
        expectCached(try load([]))
    }

    @Test func aWrongFileInTheCacheIsToldAndFetchedAgain() throws {
        try sample.write(to: cache, compressed: true)
        try replaceFile(at: "\(cache)/t10k-labels-idx1-ubyte", with: sample.files.trainLabels)
        let dataset = try load([server.mirror("ok")])
        expectCached(dataset)
        #expect(dataset.notes.count == 1)
        try replaceFile(at: "\(cache)/t10k-labels-idx1-ubyte.gz", with: [1, 2, 3])
        #expect(try load([server.mirror("ok")]).notes.count == 1)
        #expect(try server.end() == ["ok t10k-labels-idx1-ubyte.gz -"])
    }

    @Test func wrongContentNeverEntersTheCache() throws {
        let error = try #require(throws: DatasetError.self) { try load([server.mirror("wrong")]) }
        #expect("\(error)".contains("\(server.mirror("wrong"))\(Self.trainImages): has other content"))
        #expect(namesInFolder(cache) == [".lock"])
    }

    @Test func aStalledServerIsGivenUp() throws {
        let error = try #require(throws: DatasetError.self) { try load([server.mirror("stall")]) }
        #expect("\(error)".contains("curl ended with code 28"))
    }

    @Test func withoutCurlTheErrorSaysHowToGetOn() throws {
        let error = try #require(throws: DatasetError.self) { try load([server.mirror("ok")], path: folder.path) }
        let text = "\(error)"
        #expect(text.contains("apt-get install curl"))
        for file in DatasetFile.allCases { #expect(text.contains("\(server.mirror("ok"))\(file.rawValue).gz")) }
    }

    @Test func oneDownloadAtATime() throws {
        try createFolder(at: cache)
        let lock = try FileLock(path: cache + "/.lock")
        let error = try #require(throws: DatasetError.self) { try load([server.mirror("ok")]) }
        #expect("\(error)".contains("Another process is at work there"))
        lock.release()
        expectCached(try load([server.mirror("ok")]))
    }
}
