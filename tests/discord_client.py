"""A small bot on discord.py: `discord_client.py API TOKEN GATEWAY`, until it is ended. Says what it does line by line."""

import asyncio
import io
import logging
import sys

import discord
import yarl
from discord import app_commands

api, token, gateway = sys.argv[1:]
discord.http.Route.BASE = f"{api}/api/v10"
# Where it goes while no session tells it another place.
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)


def say(line):
    print(line, flush=True)


class Press(discord.ui.View):
    @discord.ui.button(label="Press", custom_id="press")
    async def press(self, interaction, button):
        await interaction.response.edit_message(content=f"pressed by {interaction.user.name}", view=None)
        await interaction.followup.send("thanks", ephemeral=True)


class Bot(discord.Client):
    def __init__(self):
        super().__init__(intents=discord.Intents.all())
        self.tree = app_commands.CommandTree(self)

    async def setup_hook(self):
        @self.tree.command(name="greet", description="says hello")
        async def greet(interaction, name: str):
            await interaction.response.defer()
            await interaction.edit_original_response(content=f"hello, {name}")

        synced = await self.tree.sync()
        say(f"synced {len(synced)}")

    async def on_ready(self):
        say(f"ready {self.user.name} in {[guild.name for guild in self.guilds]}")

    async def on_resumed(self):
        say("resumed")

    async def on_disconnect(self):
        say("disconnected")

    async def on_message_edit(self, before, after):
        if after.author != self.user:
            say(f"edited {before.content} to {after.content}")

    async def on_message_delete(self, message):
        if message.author != self.user:
            say(f"deleted {message.content}")

    async def on_reaction_add(self, reaction, user):
        if user != self.user:
            say(f"reaction {reaction.emoji} by {user.name}")

    async def on_typing(self, channel, user, when):
        say(f"typing {user.name}")

    async def on_message(self, message):
        if message.author == self.user:
            return
        say(f"message {message.content}")
        channel = message.channel
        match message.content:
            case "ping":
                await message.reply("pong")
            case "edit":
                sent = await channel.send("before")
                await sent.edit(content="after")
            case "delete":
                sent = await channel.send("going")
                await sent.delete()
            case "react":
                await message.add_reaction("👍")
                await message.add_reaction("🎉")
            case "file":
                await channel.send("a file", file=discord.File(fp=io.BytesIO(b"roses"), filename="poem.txt"))
            case "button":
                await channel.send("press it", view=Press())
            case "many":
                await asyncio.gather(*(channel.send(f"line {number}") for number in range(12)))
                say("sent all")
            case "thread":
                thread = await message.create_thread(name="aside")
                await thread.send("inside")
            case "history":
                texts = [known.content async for known in channel.history(limit=3)]
                say(f"history {texts}")
            case "nobody":
                try:
                    await channel.send("x" * 2001)
                except discord.HTTPException as refused:
                    say(f"refused {refused.status} {refused.code}")
            case "type":
                async with channel.typing():
                    await channel.send("typed")
        for file in message.attachments:
            await channel.send(f"{file.filename} has {len(await file.read())} bytes")


Bot().run(token, log_handler=logging.StreamHandler(sys.stderr))
