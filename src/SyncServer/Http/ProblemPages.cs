using System.Text.Encodings.Web;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using SyncServer.Core;

namespace SyncServer.Http;

/// <summary>
/// The pages that a problem's <c>type</c> leads to. Cause and remedy are the doc comments of <see cref="ErrorCode"/>,
/// read from the documentation file beside the assembly, so they are written once.
/// </summary>
internal static partial class ProblemPages
{
    public static void MapProblems(this IEndpointRouteBuilder routes)
    {
        var texts = ReadTexts();
        var pages = Enum.GetValues<ErrorCode>().ToDictionary(
            code => code.Info().Slug, code => Page(code.Info(), texts.GetValueOrDefault(code.ToString(), "")));
        routes.MapGroup("").AllowAnonymous().MapRead("/problems/{slug}", (string slug) => pages.TryGetValue(slug, out var page)
                ? Results.Content(page, "text/html; charset=utf-8")
                : Results.NotFound());
    }

    /// <summary>Summaries by member name; empty where the server was deployed without its documentation file.</summary>
    private static Dictionary<string, string> ReadTexts()
    {
        var file = Path.Combine(AppContext.BaseDirectory, typeof(ErrorCode).Assembly.GetName().Name + ".xml");
        var prefix = $"F:{typeof(ErrorCode).FullName}.";
        return !File.Exists(file)
            ? []
            : XDocument.Load(file).Descendants("member")
                .Where(member => ((string?)member.Attribute("name"))?.StartsWith(prefix, StringComparison.Ordinal) == true)
                .ToDictionary(
                    member => ((string)member.Attribute("name")!)[prefix.Length..],
                    member => WhiteSpace().Replace(member.Element("summary")?.Value ?? "", " ").Trim());
    }

    private static string Page(ErrorInfo info, string text)
    {
        var html = HtmlEncoder.Default;
        return $"""
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><title>{html.Encode(info.Title)}</title></head>
            <body>
            <h1>{html.Encode(info.Title)}</h1>
            <p>{html.Encode(text)}</p>
            <p>Status {info.Status}, type <code>{html.Encode(info.Type)}</code></p>
            </body>
            </html>

            """;
    }

    [GeneratedRegex(@"\s+", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex WhiteSpace();
}
