// Where a dataset is looked for and in which order, and what is said of damaged, other and missing data. No network:
// the mirrors of these tests are none.
import Datasets
import Storage
import Testing

@Suite struct LoaderTests {
    private let folder: TemporaryFolder
    private let sample = SampleDataset(seed: 1)
    private let other = SampleDataset(seed: 2)

    init() throws {
        folder = try TemporaryFolder()
    }

    private func places(data: String? = nil, environmentData: String? = nil) -> DatasetPlaces {
        var environment = ["XDG_CACHE_HOME": folder.path + "/xdg"]
        environment["SIAMESE_DATA"] = environmentData
        return DatasetPlaces(data: data, environment: environment, shared: folder.path + "/shared")
    }

    private func load(_ places: DatasetPlaces) throws(DatasetError) -> Dataset {
        let downloader = Downloader(environment: ["PATH": "/usr/bin:/bin"], showsProgress: false)
        return try DatasetLoader(sample.entry(), places: places, downloader: downloader).load()
    }

    private var cache: String { folder.path + "/xdg/siamese/fashion-mnist" }
    private var shared: String { folder.path + "/shared/fashion-mnist" }

    @Test func asksThePlacesInOrder() throws {
        try sample.write(to: shared, compressed: true)
        #expect(try load(places()).origin == shared)
        try sample.write(to: cache, compressed: true)
        #expect(try load(places()).origin == cache)
        let named = folder.path + "/named"
        try sample.write(to: named + "/FashionMNIST/raw", compressed: false)
        #expect(try load(places(environmentData: named)).origin == named + "/FashionMNIST/raw")
        let given = folder.path + "/given"
        try sample.write(to: given, compressed: false)
        #expect(try load(places(data: given, environmentData: named)).origin == given)
    }

    @Test func aDatasetIsItsFiles() throws {
        try sample.write(to: shared, compressed: true)
        let dataset = try load(places())
        #expect(dataset.train.pixels == sample.train.pixels)
        #expect(dataset.train.labels == sample.train.labels)
        #expect(dataset.test.pixels == sample.test.pixels)
        #expect(dataset.test.labels == sample.test.labels)
        #expect(dataset.notes.isEmpty)
        let digests = DatasetFile.allCases.flatMap { SHA256.digest(of: sample.files[$0]).bytes }
        #expect(dataset.digest == SHA256.digest(of: digests))
    }

    @Test(arguments: ["", "/raw", "/fashion-mnist", "/FashionMNIST/raw", "/Fashion_MNIST"])
    func aNamedFolderMayHoldManyDatasets(subfolder: String) throws {
        let root = folder.path + "/data"
        try other.write(to: root + "/mnist", compressed: false)
        try sample.write(to: root + subfolder, compressed: true)
        #expect(try load(places(data: root)).origin == root + subfolder)
        #expect(try load(places(environmentData: root)).origin == root + subfolder)
    }

    @Test func otherDataOfTheUserIsToldNotRefused() throws {
        let root = folder.path + "/data"
        try other.write(to: root, compressed: true)
        let dataset = try load(places(data: root))
        #expect(dataset.train.pixels == other.train.pixels)
        #expect(dataset.notes.count == 1)
        let note = try #require(dataset.notes.first)
        #expect(note.hasPrefix("\(root) differs from the published FashionMNIST in train-images-idx3-ubyte (SHA-256 "))
        #expect(!note.contains("\n"))
        // The labels of both samples are the same.
        #expect(!note.contains("train-labels"))
        try sample.write(to: shared, compressed: true)
        #expect(try load(places()).digest != dataset.digest)
    }

    @Test func aNamedFolderThatLacksAFileIsAnError() throws {
        try sample.write(to: shared, compressed: true)
        let root = folder.path + "/data"
        try sample.write(to: root + "/FashionMNIST", compressed: true, except: [.testLabels])
        for places in [places(data: root), places(environmentData: root)] {
            let error = try #require(throws: DatasetError.self) { try load(places) }
            #expect("\(error)".contains("t10k-labels-idx1-ubyte"))
            #expect("\(error)".contains(root + "/FashionMNIST"))
        }
        // Nothing at all: an error for --data, but $SIAMESE_DATA may hold other datasets only.
        let error = try #require(throws: DatasetError.self) { try load(places(data: folder.path + "/none")) }
        #expect("\(error)".hasPrefix("--data \(folder.path)/none has no readable train-images-idx3-ubyte"))
        #expect(try load(places(environmentData: folder.path + "/none")).origin == shared)
    }

    @Test func aMalformedFileOfTheUserIsAnError() throws {
        let root = folder.path + "/data"
        try sample.write(to: root, compressed: false)
        try replaceFile(at: root + "/t10k-images-idx3-ubyte", with: Array(sample.files.testImages.dropLast()))
        let error = try #require(throws: DatasetError.self) { try load(places(data: root)) }
        #expect("\(error)".hasPrefix("\(root)/t10k-images-idx3-ubyte, byte 7855: the file ends here"))
    }

    @Test func imagesAndLabelsMustBelongTogether() throws {
        let root = folder.path + "/data"
        try sample.write(to: root, compressed: false)
        try replaceFile(at: root + "/train-labels-idx1-ubyte", with: sample.files.testLabels)
        let error = try #require(throws: DatasetError.self) { try load(places(data: root)) }
        #expect("\(error)".contains("20 images but \(root)/train-labels-idx1-ubyte holds 10 labels"))
    }

    @Test func damageInThePublicPlacesIsPassedOverAndTold() throws {
        try sample.write(to: cache, compressed: true)
        try replaceFile(at: cache + "/train-labels-idx1-ubyte.gz", with: [1, 2, 3])
        try sample.write(to: shared, compressed: true)
        let dataset = try load(places())
        #expect(dataset.origin == shared)
        #expect(dataset.notes.count == 1)
        #expect(dataset.notes.first?.hasPrefix("\(cache)/train-labels-idx1-ubyte.gz, byte ") == true)

        try other.write(to: shared, compressed: true)
        let error = try #require(throws: DatasetError.self) { try load(places()) }
        #expect("\(error)".contains("\(shared) differs from the published FashionMNIST"))
    }

    @Test func whatIsNowhereNamesAllPlacesAndARemedy() throws {
        let error = try #require(throws: DatasetError.self) { try load(places(environmentData: folder.path + "/none")) }
        let text = "\(error)"
        for part in ["FashionMNIST was not found", folder.path + "/none", cache, shared, "--data"] {
            #expect(text.contains(part), "\(part) in: \(text)")
        }
        #expect(!text.contains("\n"))
    }

    @Test func withoutHomeThereIsNoCache() throws {
        let places = DatasetPlaces(data: nil, environment: [:], shared: folder.path + "/shared")
        let error = try #require(throws: DatasetError.self) { try load(places) }
        #expect("\(error)".contains("set HOME or XDG_CACHE_HOME"))
    }

    @Test func theCacheFollowsTheXDGSpecification() {
        func cache(_ environment: [String: String]) -> String? {
            DatasetPlaces(data: nil, environment: environment).cache
        }
        #expect(cache(["XDG_CACHE_HOME": "/x", "HOME": "/h"]) == "/x/siamese")
        #expect(cache(["HOME": "/h"]) == "/h/.cache/siamese")
        #expect(cache(["XDG_CACHE_HOME": "relative", "HOME": "/h"]) == "/h/.cache/siamese")
        #expect(cache(["XDG_CACHE_HOME": "", "HOME": ""]) == nil)
    }
}
