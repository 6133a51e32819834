// Decoding of IDX files: right ones, each kind of wrong one with the offset that is told, and noise.
import Datasets
import Storage
import Testing

@Suite struct IDXTests {
    private func decode(
        _ kind: IDXKind, _ file: [UInt8], compressed: Bool = false
    ) throws(MalformedFile) -> IDXContent {
        try decodeIDX(kind, file: file, path: "folder/file", isCompressed: compressed)
    }

    @Test(arguments: [false, true]) func decodesImagesAndLabels(compressed: Bool) throws {
        let sample = SampleDataset(seed: 1)
        let pack = compressed ? gzipped : { $0 }
        let images = try decode(.images, pack(sample.files.trainImages), compressed: compressed)
        #expect(images.count == 20)
        #expect(images.payload == sample.train.pixels)
        #expect(images.digest == SHA256.digest(of: sample.files.trainImages))
        let labels = try decode(.labels, pack(sample.files.testLabels), compressed: compressed)
        #expect(labels.count == 10)
        #expect(labels.payload == sample.test.labels)
        #expect(labels.digest == SHA256.digest(of: sample.files.testLabels))
    }

    static let image = [UInt8](repeating: 0, count: 784)
    struct Wrong: Sendable {
        let kind: IDXKind
        let bytes: [UInt8]
        let offset: Int
        let says: String

        init(_ kind: IDXKind, _ bytes: [UInt8], at offset: Int, says: String) {
            (self.kind, self.bytes, self.offset, self.says) = (kind, bytes, offset, says)
        }
    }
    /// Wrong both as they are and gzipped, at the same (decompressed) offset.
    static let wrong = [
        Wrong(.images, [], at: 0, says: "header"),
        Wrong(.images, Array(imageFile(count: 1, pixels: []).prefix(15)), at: 15, says: "header"),
        Wrong(
            .images, labelFile(count: 60_000, labels: [UInt8](repeating: 0, count: 60_000)), at: 0, says: "magic 2049"),
        Wrong(.labels, imageFile(count: 1, pixels: image), at: 0, says: "magic 2051"),
        Wrong(.images, imageFile(count: 0, pixels: []), at: 4, says: "0 images"),
        Wrong(.images, imageFile(count: .max, pixels: image), at: 4, says: "4294967295 images"),
        Wrong(.images, imageFile(count: 1, rows: 32, pixels: image), at: 8, says: "28×28"),
        Wrong(.images, imageFile(count: 1, columns: .max, pixels: image), at: 12, says: "28×28"),
        Wrong(.images, imageFile(count: 2, pixels: image), at: 800, says: "ends here"),
        Wrong(.images, imageFile(count: 1, pixels: image + [7]), at: 800, says: "after the"),
        Wrong(.labels, labelFile(count: 3, labels: [1, 2]), at: 10, says: "ends here"),
        Wrong(.labels, labelFile(count: 3, labels: [1, 2, 3, 4]), at: 11, says: "after the"),
        Wrong(.labels, labelFile(count: 3, labels: [9, 10, 3]), at: 9, says: "label 10"),
    ]

    @Test(arguments: wrong, [false, true]) func tellsWhatIsWrongAndWhere(wrong: Wrong, compressed: Bool) throws {
        let file = compressed ? gzipped(wrong.bytes) : wrong.bytes
        let error = try #require(throws: MalformedFile.self) { try decode(wrong.kind, file, compressed: compressed) }
        #expect(error.offset == wrong.offset, "\(error)")
        #expect(error.isDecompressed == compressed)
        #expect(error.problem.contains(wrong.says), "\(error)")
        #expect("\(error)".hasPrefix("folder/file, byte \(wrong.offset)"))
    }

    @Test func noticesGzippedDataUnderAPlainName() throws {
        let error = try #require(throws: MalformedFile.self) { try decode(.labels, gzipped([1, 2, 3])) }
        #expect(error.offset == 0)
        #expect(error.problem.contains("0x1f8b: is this still gzipped?"))
    }

    @Test func anAnnouncedLengthIsNotBelieved() throws {
        let header = gzipped(imageFile(count: 1_000_000, pixels: []))
        let error = try #require(throws: MalformedFile.self) { try decode(.images, header, compressed: true) }
        #expect(error.offset == 4)
        #expect(error.problem.contains("784000016 bytes announced"))
    }
}

@Suite struct GunzipTests {
    private func decodeLabels(_ file: [UInt8]) throws(MalformedFile) -> IDXContent {
        try decodeIDX(.labels, file: file, path: "file.gz", isCompressed: true)
    }

    @Test func aBombIsNotDecompressed() throws {
        // 64 MB of zeros behind one label.
        let bomb = gzipped(labelFile(count: 1, labels: [UInt8](repeating: 0, count: 64 << 20)))
        let error = try #require(throws: MalformedFile.self) { try decodeLabels(bomb) }
        #expect(error.offset == 9)
        #expect(error.problem.contains("after the"))
    }

    @Test func membersFollowEachOther() throws {
        let bytes = labelFile(count: 5, labels: [1, 2, 3, 4, 5])
        let content = try decodeLabels(gzipped(Array(bytes[..<9])) + gzipped([]) + gzipped(Array(bytes[9...])))
        #expect(content.payload == [1, 2, 3, 4, 5])
    }

    @Test func everyTruncationIsTold() throws {
        let whole = gzipped(labelFile(count: 300, labels: (0..<300).map { UInt8($0 % 7) }))
        for length in whole.indices {
            let error = try #require(throws: MalformedFile.self) { try decodeLabels(Array(whole[..<length])) }
            #expect(error.problem.contains("ends too early"), "\(length): \(error)")
            #expect(error.offset == length)
        }
    }

    @Test func damageIsTold() throws {
        let whole = gzipped(labelFile(count: 3, labels: [1, 2, 3]))
        var checksum = whole
        checksum[whole.count - 8] ^= 1
        var length = whole
        length[whole.count - 4] ^= 1
        for (file, says) in [
            (checksum, "incorrect data check"), (length, "incorrect length check"),
            ([1, 2, 3, 4], "incorrect header check"),
            (whole + [0], "ends too early"), (whole + [1, 2, 3], "incorrect header check"),
        ] {
            let error = try #require(throws: MalformedFile.self) { try decodeLabels(file) }
            #expect(error.problem.contains(says), "\(error)")
            #expect(!error.isDecompressed)
        }
    }

    /// Whatever is done to a file, decoding gives a content of the announced size or a typed error.
    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func noiseNeverCrashes(seed: UInt64) {
        var noise = SeededGenerator(state: seed)
        let sample = SampleDataset(seed: seed)
        let cases: [(IDXKind, [UInt8], Bool)] = [
            (.images, sample.files.testImages, false), (.labels, sample.files.testLabels, false),
            (.images, gzipped(sample.files.testImages), true), (.labels, gzipped(sample.files.testLabels), true),
        ]
        for (kind, whole, compressed) in cases {
            for round in 0..<300 {
                let file = damaged(whole, using: &noise)
                guard let content = try? decodeIDX(kind, file: file, path: "", isCompressed: compressed) else {
                    continue
                }
                let itemSize = kind == .images ? 784 : 1
                #expect(content.payload.count == content.count * itemSize, "seed \(seed), round \(round)")
            }
        }
    }

    /// Flips bits, cuts, inserts or overwrites; the first bytes, where the headers are, as often as all others.
    private func damaged(_ whole: [UInt8], using noise: inout SeededGenerator) -> [UInt8] {
        var file = whole
        for _ in 0..<Int.random(in: 1...3, using: &noise) {
            let end = Bool.random(using: &noise) ? file.count : min(20, file.count)
            guard end > 0 else { break }
            let at = Int.random(in: 0..<end, using: &noise)
            switch Int.random(in: 0..<5, using: &noise) {
            case 0: file[at] ^= 1 << UInt8.random(in: 0..<8, using: &noise)
            case 1: file[at] = UInt8.random(in: 0...255, using: &noise)
            case 2: file[at] = 0xff
            case 3: file.insert(UInt8.random(in: 0...255, using: &noise), at: at)
            default: file.removeSubrange(at...)
            }
        }
        return file
    }
}
