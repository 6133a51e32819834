// What the classes of each dataset are called.

extension DatasetName {
    /// By label, 0 to 9.
    package var classNames: [String] {
        switch self {
        case .mnist: (0...9).map(String.init)
        case .fashionMNIST:
            [
                "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
                "Ankle boot",
            ]
        }
    }

    /// That of one class; its number where a label is none of the dataset's.
    package func className(_ label: UInt8) -> String {
        Int(label) < classNames.count ? classNames[Int(label)] : "\(label)"
    }
}
