// Names, and the one published dataset that is always there for the tests: Debian's package dataset-fashion-mnist, which
// scripts/test installs.
import Datasets
import Storage
import Testing

@Suite struct CatalogueTests {
    @Test func namesInAnyCase() {
        for text in ["MNIST", "mnist", "Mnist"] { #expect(DatasetName(anyCase: text) == .mnist) }
        for text in ["FashionMNIST", "fashionmnist", "FASHIONMNIST"] {
            #expect(DatasetName(anyCase: text) == .fashionMNIST)
        }
        for text in ["", "fashion", "CIFAR10", "MNIST "] { #expect(DatasetName(anyCase: text) == nil) }
        #expect("\(DatasetName.fashionMNIST.rawValue)" == "FashionMNIST")
    }

    @Test(arguments: DatasetName.allCases) func entriesAreComplete(name: DatasetName) {
        let entry = CatalogueEntry.published(name)
        #expect(entry.name == name)
        #expect(entry.mirrors.count == 2)
        #expect(entry.mirrors.allSatisfy { $0.hasSuffix("/") })
        for file in DatasetFile.allCases { #expect(SHA256.Digest(hexadecimal: entry.checksums[file]) != nil) }
    }

    /// Fails, rather than passing, where the package is missing: the message says how to install it.
    @Test func debiansFashionMNISTIsThePublishedOne() throws {
        let loader = DatasetLoader(
            .published(.fashionMNIST), places: DatasetPlaces(data: nil, environment: [:]),
            downloader: Downloader(environment: [:], showsProgress: false))
        let dataset = try loader.load()
        #expect(dataset.origin == "/usr/share/datasets/fashion-mnist")
        #expect(dataset.notes.isEmpty)
        #expect(dataset.train.count == 60_000)
        #expect(dataset.test.count == 10_000)
        for label in 0...9 as ClosedRange<UInt8> {
            #expect(dataset.train.labels.count { $0 == label } == 6_000)
            #expect(dataset.test.labels.count { $0 == label } == 1_000)
        }
        #expect(dataset.train.labels.prefix(8).elementsEqual([9, 0, 0, 3, 0, 2, 7, 2]))
    }

    /// A folder of one dataset used for another is recognized by its bytes.
    @Test func aMixUpIsNamed() throws {
        let places = DatasetPlaces(data: "/usr/share/datasets/fashion-mnist", environment: [:])
        let downloader = Downloader(environment: [:], showsProgress: false)
        let dataset = try DatasetLoader(.published(.mnist), places: places, downloader: downloader).load()
        #expect(dataset.notes == ["/usr/share/datasets/fashion-mnist holds FashionMNIST, not MNIST"])
    }
}
