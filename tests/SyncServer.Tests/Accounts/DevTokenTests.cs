namespace SyncServer.Tests.Accounts;

public sealed class DevTokenTests
{
    [Fact]
    public async Task In_Development_a_development_token_is_taken_at_its_word()
    {
        await using var server = await AccountsServer.StartAsync("Development", []);

        Assert.Equal(Answer.Of("alice"), await server.AskAsync("dev:alice"));
        Assert.Equal(Answer.Of("admin"), await server.AskAsync("dev:admin"));
        Assert.Equal(Answer.Of("alice", isOperator: true), await server.AskAsync("dev:alice:admin"));
        Assert.Equal(Answer.Of("alice"), await server.SendAsync("/who", "bearer  dev:alice"));
        Assert.Equal(Answer.Of(new string('a', 255)), await server.AskAsync("dev:" + new string('a', 255)));
    }

    [Theory]
    [InlineData("dev:")]
    [InlineData("dev::admin")]
    [InlineData("dev:alice:")]
    [InlineData("dev:alice:owner")]
    [InlineData("dev:alice:admin:admin")]
    [InlineData("dev:a\u0085b")]
    public async Task A_development_token_of_another_shape_is_refused(string token)
    {
        await using var server = await AccountsServer.StartAsync("Development", []);

        // A header with a character that HTTP does not allow never leaves the client, so the parser is asked as well.
        Assert.Null(SyncServer.Accounts.DevToken.Parse(token));
        if (token.All(char.IsAscii))
        {
            Assert.Equal(Answer.Refused("A development token is dev:<principal> or dev:<principal>:admin"), await server.AskAsync(token));
        }
    }

    [Fact]
    public async Task A_principal_has_at_most_255_characters()
    {
        await using var server = await AccountsServer.StartAsync("Development", []);

        Assert.Equal(401, (await server.AskAsync("dev:" + new string('a', 256))).Status);
    }

    [Fact]
    public async Task Outside_Development_a_development_token_is_no_token()
    {
        await using var server = await AccountsServer.WithKeysAsync();

        Assert.Equal(Answer.Refused("The token is malformed"), await server.AskAsync("dev:alice:admin"));
    }

    [Fact]
    public async Task Development_tokens_can_be_turned_off_in_Development()
    {
        var settings = AccountsServer.StaticKeys();
        settings["Auth:DevTokens"] = "false";
        await using var server = await AccountsServer.StartAsync("Development", settings);

        Assert.Equal(401, (await server.AskAsync("dev:alice")).Status);
    }

    [Fact]
    public async Task Both_kinds_of_token_are_taken_side_by_side_in_Development()
    {
        await using var server = await AccountsServer.StartAsync("Development", AccountsServer.StaticKeys());

        Assert.Equal(Answer.Of("bob"), await server.AskAsync("dev:bob"));
        Assert.Equal(Answer.Of("alice"), await server.AskAsync(TokenForge.Rs256(TokenForge.Claims())));
    }
}
