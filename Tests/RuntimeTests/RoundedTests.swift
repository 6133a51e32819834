// How losses are shown.
import Runtime
import Testing

@Suite struct RoundedTests {
    @Test(
        arguments: [
            (nil, "–"), (0, "0"), (-0.0, "0"), (.nan, "nan"), (-.infinity, "-inf"), (0.18861, "0.1886"),
            (1.23456, "1.235"),
            (-1.23456, "-1.235"), (12.3456, "12.35"), (123.456, "123.5"), (12345.6, "12346"), (0.0123456, "0.01235"),
            (1.5, "1.5"), (1e-12, "1e-12"), (1e300, "1e+300"),
        ] as [(Double?, String)])
    func fourSignificantDigits(value: Double?, text: String) {
        #expect(rounded(value) == text)
    }
}
