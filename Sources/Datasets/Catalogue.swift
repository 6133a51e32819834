// What is known of each dataset: names, files, checksums, where it can be had. No input or output here.

/// The datasets that the program knows. Raw values are the spelling in files and titles.
package enum DatasetName: String, CaseIterable, Sendable {
    case mnist = "MNIST"
    case fashionMNIST = "FashionMNIST"

    /// Any letter case.
    package init?(anyCase text: String) {
        guard let name = DatasetName.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() })
        else { return nil }
        self = name
    }
}

/// A dataset as it was published.
package struct CatalogueEntry: Sendable {
    package let name: DatasetName
    /// Name of its folder in the cache and in /usr/share/datasets.
    package let folder: String
    /// SHA-256 of the decompressed files, in hexadecimal.
    package let checksums: FourFiles<String>
    /// Addresses that end in "/" and have the four files, gzipped, below them. Asked in this order.
    package let mirrors: [String]
    /// Debian's package that holds the files, if there is one.
    package let debianPackage: String?

    package init(
        name: DatasetName, folder: String, checksums: FourFiles<String>, mirrors: [String],
        debianPackage: String? = nil
    ) {
        self.name = name
        self.folder = folder
        self.checksums = checksums
        self.mirrors = mirrors
        self.debianPackage = debianPackage
    }

    package static func published(_ name: DatasetName) -> CatalogueEntry {
        switch name {
        case .mnist: mnist
        case .fashionMNIST: fashionMNIST
        }
    }

    private static let mnist = CatalogueEntry(
        name: .mnist, folder: "mnist",
        checksums: FourFiles(
            trainImages: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            trainLabels: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            testImages: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            testLabels: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        mirrors: [
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ])

    private static let fashionMNIST = CatalogueEntry(
        name: .fashionMNIST, folder: "fashion-mnist",
        checksums: FourFiles(
            trainImages: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            trainLabels: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            testImages: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            testLabels: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
        mirrors: [
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ],
        debianPackage: "dataset-fashion-mnist")
}
