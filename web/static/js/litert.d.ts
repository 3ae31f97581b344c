declare module "@litertjs/core"; // que la construction reprend de npm
